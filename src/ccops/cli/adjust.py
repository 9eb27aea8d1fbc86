"""`ccops adjust`: a one-off change of one field of one contact."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.contacts import contact_of
from ccops.cli.doing import Job, Writing, do
from ccops.cli.keys import check_key
from ccops.cli.making import command, new_app
from ccops.cli.options import Key, number
from ccops.cli.session import session_of
from ccops.errors import Misconfigured

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.engine.request import Request
    from ccops.ledger.model import Origin
    from ccops.operations.asking import Adjustment

app = new_app()

AGAIN_WITHIN: Final = timedelta(minutes=10)
"""Within this time, the same adjustment again looks like a slip."""

Contact = Annotated[str, typer.Argument(metavar="CONTACT", help="E-mail address, or Kit's id.", show_default=False)]
Field = Annotated[str, typer.Argument(metavar="FIELD", help="The field, such as credits.", show_default=False)]
Add = Annotated[Decimal | None, typer.Option("--add", metavar="N", parser=number("--add"), help="Add so much.")]
Take = Annotated[Decimal | None, typer.Option("--take", metavar="N", parser=number("--take"), help="Take so much off.")]
Set = Annotated[Decimal | None, typer.Option("--set", metavar="N", parser=number("--set"), help="Set to this number.")]


class OneOfThree(Misconfigured):
    """An adjustment needs exactly one of its three options."""

    mend = 'ccops adjust ann@example.org credits --add 10 --reason "…"'

    def __init__(self) -> None:
        super().__init__("give one of --add, --take and --set. Nothing was sent.")


@command(
    app,
    "adjust",
    """
    ccops adjust ann@example.org credits --add 10 --reason "Sorry for the outage"
    ccops adjust ann@example.org credits --take 3
    ccops adjust ann@example.org credits --set 40 --dry-run
    """,
)
def adjust(
    ctx: typer.Context,
    contact: Contact,
    field: Field,
    how: Writing,
    add: Add = None,
    take: Take = None,
    set_: Set = None,
    key: Key = None,
) -> int:
    """Change one field of one contact, once."""
    options: tuple[tuple[Adjustment, Decimal | None], ...] = (("add", add), ("take", take), ("set", set_))
    given = [(word, amount) for word, amount in options if amount is not None]
    if len(given) != 1:
        raise OneOfThree
    return _adjust(session_of(ctx), contact, field, given[0], key, how)


def _adjust(
    session: "Session", word: str, field: str, asked: "tuple[Adjustment, Decimal]", key: str | None, how: Writing
) -> int:
    from ccops.engine.request import Request
    from ccops.operations.asking import adjust_operation
    from ccops.operations.numbers import plain
    from ccops.operations.occasions import for_adjust, for_key, for_run
    from ccops.registry.load import field_key

    who = contact_of(word)
    check_key(session, key)
    registry = session.registry
    target = field_key(registry.fields, field)
    operation = adjust_operation(target, *asked, registry.fields, registry.timezone)
    said = f"{asked[0]} {plain(asked[1])}"
    words = json.dumps(["adjust", str(who), target, said, key])
    if not _is_meant(session, words, key, how):
        session.console.note("Nothing was sent.")
        return 0

    def requests(run_id: int, origin: "Origin") -> "list[Request]":
        occasion = for_adjust(target, for_run(run_id) if key is None else for_key(key))
        return [Request(operation, who, occasion, run_id, origin, asked=said)]

    title = f"adjust {who} {target} {said}"
    return do(session, Job(words, title, "adjust", requests, (str(who),), registry.timezone), how)


def _is_meant(session: "Session", words: str, key: str | None, how: Writing) -> bool:
    """Ask at a terminal whether the same adjustment again, within ten minutes, is meant."""
    if key is not None or how.yes or how.dry_run or not session.questions.possible:
        return True
    last = session.ledger.runs.last_ended(words)
    if last is None or last.ended_at is None or session.clock.now() - last.ended_at > AGAIN_WITHIN:
        return True
    if all(entry.status != "applied" for entry in session.ledger.entries.of_run(last.id)):
        return True
    minutes = int((session.clock.now() - last.ended_at).total_seconds() // 60)
    ago = "just now" if minutes < 1 else f"{minutes} min ago"
    return session.questions.confirm(f"The same was done {ago} (run r{last.id}). Do it once more?")
