"""Codes and tokens of OAuth, in SQLite."""

import secrets
from typing import Final

from ccops.sandbox.rows import CodeRow, TokenRow
from ccops.sandbox.tables import Tables

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS oauth_code (code TEXT PRIMARY KEY, client TEXT, redirect_uri TEXT, challenge TEXT,
    until INTEGER);
CREATE TABLE IF NOT EXISTS oauth_token (access TEXT PRIMARY KEY, refresh TEXT UNIQUE, client TEXT, family INTEGER,
    until INTEGER, state TEXT)
"""

_PAIR: Final = "access, refresh, client, family, until, state"


class GrantStore(Tables):
    """The part of the state that lets programs in; every call belongs into a `transaction`."""

    def add_code(self, client: str, redirect_uri: str, challenge: str, until: int) -> str:
        """Make a code that can be swapped for tokens once."""
        code = secrets.token_urlsafe(24)
        self._db.execute(
            "INSERT INTO oauth_code VALUES (?, ?, ?, ?, ?)", (code, client, redirect_uri, challenge, until)
        )
        return code

    def take_code(self, code: str) -> CodeRow | None:
        """Take a code out, so that it can't be used again; None if there is none."""
        sql = "DELETE FROM oauth_code WHERE code = ? RETURNING client, redirect_uri, challenge, until"
        row = self._db.execute(sql, (code,)).fetchone()
        return CodeRow(*row) if row else None

    def add_tokens(self, client: str, until: int, family: int | None = None) -> TokenRow:
        """Make a pair of tokens; those that descend from one code are a family."""
        if family is None:
            family = self._db.execute("SELECT coalesce(max(family), 0) + 1 FROM oauth_token").fetchone()[0]
        made = TokenRow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), client, family, until, "live")
        self._db.execute(f"INSERT INTO oauth_token ({_PAIR}) VALUES (?, ?, ?, ?, ?, ?)", made)
        return made

    def by_access(self, token: str) -> TokenRow | None:
        """Return the pair of an access token."""
        return self._pair("access", token)

    def by_refresh(self, token: str) -> TokenRow | None:
        """Return the pair of a refresh token."""
        return self._pair("refresh", token)

    def _pair(self, column: str, token: str) -> TokenRow | None:
        row = self._db.execute(f"SELECT {_PAIR} FROM oauth_token WHERE {column} = ?", (token,)).fetchone()
        return TokenRow(*row) if row else None

    def end_pair(self, pair: TokenRow, state: str) -> None:
        """Let a pair count no more: "spent" when it was refreshed, "revoked" when it was given back."""
        self._db.execute("UPDATE oauth_token SET state = ? WHERE access = ?", (state, pair.access))

    def expire_all(self) -> None:
        """Let the time of all access tokens be over."""
        self._db.execute("UPDATE oauth_token SET until = 0")

    def states(self) -> list[str]:
        """Return how all pairs stand, oldest first."""
        return [state for (state,) in self._db.execute("SELECT state FROM oauth_token ORDER BY rowid")]
