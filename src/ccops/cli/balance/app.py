"""`ccops balance`: the command line, and one contact after the other."""

from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.contacts import contact_of
from ccops.cli.exits import FINE, NEEDS_A_PERSON
from ccops.cli.making import command, new_app
from ccops.cli.options import Json
from ccops.cli.session import session_of

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.engine.request import Who

app = new_app()

Contacts = Annotated[list[str], typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.")]
Steps = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Not more than so many steps a field.")]


@command(
    app,
    "balance",
    """
    ccops balance ann@example.org
    ccops balance ann@example.org bob@example.org --limit 0
    ccops balance 4300000001 --json
    """,
    looks=True,
)
def balance(ctx: typer.Context, contact: Contacts, limit: Steps = 5, json: Json = False) -> int:
    """Show contacts' fields now, and what led there.

    What was changed by hand between two entries is shown too. Of the fields, only those that an operation or an entry
    writes are shown.
    """
    return balance_of(session_of(ctx), contact, limit, json=json)


def balance_of(session: "Session", words: list[str], limit: int, *, json: bool) -> int:
    """Read each contact once, and show it."""
    from ccops.cli.balance.showing import show_balances, show_missing
    from ccops.cli.nobody import advise, tell_if_moved
    from ccops.engine.finding import find_contact
    from ccops.engine.losses import every_loss_of
    from ccops.report.balance import balances

    status, registry, missing = FINE, session.registry, list["Who"]()
    ledger = session.ledger_to_read
    for who in dict.fromkeys(contact_of(word) for word in words):
        contact = find_contact(ledger, session.crm, who)
        if contact is None:
            show_missing(session.console, who, json=json)
            status = NEEDS_A_PERSON
            missing.append(who)
        else:
            tell_if_moved(session, who, contact.email)
            entries = ledger.history.written(contact.id)
            shown = balances(contact, entries, registry, limit, every_loss_of(ledger, contact.id, contact))
            show_balances(session, contact, shown, json=json)
    advise(session, missing, len(missing), alone=True)
    return status
