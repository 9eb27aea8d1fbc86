"""A login with OAuth as the credential of a client: its token is renewed ahead of its end, once for all processes.

A refresh token is single-use (Kit since 2026-05-20), and only the latest pair counts. So whoever renews is alone
meanwhile, looks first whether somebody else just did, and has the new pair on disk before anybody uses it.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from ccops.clock import Clock
from ccops.crm.kit.credential import mask
from ccops.crm.kit.issuer import Issuer
from ccops.crm.kit.login_errors import LoggedOut, NotRenewed
from ccops.crm.oauth import Keeper
from ccops.errors import Misconfigured, ServiceUnreachable
from ccops.secret import Secret, Tokens

_OVER: Final = re.compile(r"expired|revoked", re.IGNORECASE)
_REST: Final = timedelta(seconds=20)
"""For how long, after renewing ahead has failed, the present token is used without another try."""


class Renewing:
    """The tokens that a keeper keeps; may be used by many threads at once. Raises LoggedOut if there are none."""

    oauth: Final = True

    def __init__(self, keeper: Keeper, issuer: Issuer, clock: Clock) -> None:
        self._keeper, self._issuer, self._clock = keeper, issuer, clock
        self._tokens = self._kept()
        self._rests_until = clock.now()

    def present(self, *, hasty: bool) -> Secret:
        """Return the access token, renewed if it ends soon; `hasty`: only if it has ended.

        Raises LoggedOut, LoginEnded, ClientRefused and NotRenewed.
        """
        tokens, now = self._tokens, self._clock.now()
        put_off = hasty or now < self._rests_until
        if now < (tokens.expires if put_off else tokens.renew):
            return tokens.access
        return self._look(None).access

    def another(self, refused: Secret, texts: Sequence[str]) -> bool:
        """Say whether there is another token than the refused one; it is renewed if it was only too old.

        Raises what `present` raises.
        """
        over = _OVER.search(" ".join(texts)) is not None
        return not self._look(refused if over else None).is_that_of(refused)

    def hide(self, text: str) -> str:
        """Hide all that is secret about the login in a text from outside."""
        tokens = self._tokens
        for secret in (tokens.access, tokens.refresh, tokens.client.secret):
            text = mask(text, secret) if secret else text
        return text

    def _kept(self) -> Tokens:
        tokens = self._keeper.tokens()
        if tokens is None:
            raise LoggedOut
        return tokens

    def _look(self, refused: Secret | None) -> Tokens:
        """Take over the tokens that count now, alone meanwhile; a file that can't be used is no fault of the work."""
        try:
            with self._keeper.alone():
                self._tokens = self._current(refused)
        except Misconfigured as error:
            raise NotRenewed(str(error), error.mend) from error
        return self._tokens

    def _current(self, refused: Secret | None) -> Tokens:
        """Return the tokens as somebody else left them, or renewed if they end soon or are the refused ones."""
        tokens, now = self._kept(), self._clock.now()
        must = now >= tokens.expires or (refused is not None and tokens.is_that_of(refused))
        return self._renewed(tokens, must=must) if must or now >= tokens.renew else tokens

    def _renewed(self, tokens: Tokens, *, must: bool) -> Tokens:
        try:
            self._keeper.put(tokens)  # a disk that is full has to say so before the old pair is spent
            new = self._issuer.next_after(tokens, once=not must)
        except (ServiceUnreachable, Misconfigured) as error:
            if must:
                raise NotRenewed(str(error), error.mend) from error
            self._rests_until = self._clock.now() + _REST
            return tokens
        self._keeper.put(new)
        return new
