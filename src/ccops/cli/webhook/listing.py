"""`webhook list`: Kit's webhooks beside what the operations need."""

from typing import TYPE_CHECKING, Final

from ccops.cli.columns import Column
from ccops.cli.styles import Part, Styled
from ccops.cli.webhook.places import bench_of, known_base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccops.cli.session import Session
    from ccops.cli.styles import Style
    from ccops.engine.hooks import Row, State

_COLUMNS: Final = (Column("OPERATION"), Column("KIND"), Column("STATE"), Column("SENDS TO", wraps=True))
_STYLES: "Final[Mapping[State, Style]]" = {"ok": "good", "foreign": "doubt"}
_WORDS: "Final[Mapping[State, str]]" = {
    "ok": "ok",
    "missing": "missing",
    "broken": "broken",
    "left-over": "left over",
    "elsewhere": "points elsewhere",
    "foreign": "of another home",
}


def list_webhooks(session: "Session", url: str | None, *, json: bool) -> None:
    """Print a line for each webhook that is there or should be, and what mends those that are not right."""
    from ccops.triggers.hooking.removing import survey

    console = session.console
    rows = survey(bench_of(session), session.registry.operations, known_base(session, url))
    if json:
        for row in rows:
            console.json_line(row_object(row))
        return
    if not rows:
        console.note("Kit has no webhooks of ccops, and no operation has a trigger tag.")
    console.table(_COLUMNS, [_cells(row) for row in rows])
    for row in rows:
        if row.why:
            console.advise(f"{row.operation or 'All operations'}: {row.why}.")
    for command in dict.fromkeys(row.mend for row in rows if row.mend):
        console.note(f"  {command}")


def row_object(row: "Row") -> "Mapping[str, object]":
    """Return the object that `--json` prints for a webhook."""
    return {
        "operation": row.operation,
        "kind": row.kind,
        "state": row.state,
        "id": row.id,
        "url": row.url,
        "reason": row.why or None,
        "mend": row.mend or None,
    }


def _cells(row: "Row") -> "tuple[Part, ...]":
    state = Styled(_WORDS[row.state], _STYLES.get(row.state, "bad"))
    return row.operation or "(all)", row.kind, state, row.url or "-"
