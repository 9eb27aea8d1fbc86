"""What can be done about contacts that Kit does not have: mostly they are misspelt."""

from typing import TYPE_CHECKING, Final

from ccops.cli.correction import corrected
from ccops.text import clean, same_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccops.cli.session import Session
    from ccops.engine.request import Who

MOST_NAMES: Final = 3
"""Contacts that are kept by name, to be told of."""


def advise(session: "Session", missing: "Sequence[Who]", count: int, *, alone: bool) -> None:
    """Say what to look at; of a single address, which one that the ledger knows was probably meant.

    `alone`: nobody else was done by the command, which may then be given again, put right.
    """
    if count == 1 and isinstance(missing[0], str):
        _advise_on(session, missing[0], alone=alone)
    elif count == 1:
        session.console.advise("Look the person up in Kit, and give the e-mail address or the id there.")
    elif count:
        session.console.advise(
            f"{count:,} contacts are not in Kit. Check the spelling, or look them up there: who is no subscriber yet "
            "has to become one first. Then the same command again."
        )


def _advise_on(session: "Session", email: str, *, alone: bool) -> None:
    near = nearest(session, email)
    if near is None:
        session.console.advise(
            f"Check the spelling of {clean(email)}, or look the person up in Kit: who is no subscriber yet has to "
            "become one first."
        )
        return
    session.console.advise(f"Check the spelling of {clean(email)}. Did you mean {clean(near)}?")
    command = corrected(session.argv, email, near) if alone else None
    if command:
        session.console.note(f"  {clean(command)}")


def tell_if_moved(session: "Session", who: "Who", email: str) -> None:
    """Say which address a contact has now, if it was asked for by an old one."""
    if isinstance(who, str) and not same_address(who, email):
        from ccops.engine.telling import moved_text

        session.console.advise(f"{moved_text(who, email)}.")


def advise_on_moved(session: "Session", moved: "Sequence[tuple[str, str]]", *, alone: bool) -> None:
    """Propose the command with the present address of the one contact that was asked for by an old one."""
    for old, new in moved if alone else ():
        command = corrected(session.argv, old, new)
        if command:
            session.console.advise("By the present address:")
            session.console.note(f"  {clean(command)}")


def nearest(session: "Session", email: str) -> str | None:
    """Return the address that the ledger knows and that is most like this one."""
    ledger = session.ledger_to_read if session.looks_only else session.ledger
    return ledger.people.nearest(email)
