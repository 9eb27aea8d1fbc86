"""What late writes took away, with the commands that give it back or leave it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ccops.cli.styles import Styled
from ccops.report.words import entry_name
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.engine.losses import Loss

GIVES_BACK: Final = "Gives back what the late write took, as an entry of its own. The field changes in Kit."
_LEAVES: Final = "Leaves it lost, and says so in the history. No field is changed."
_INDENT: Final = "  "


def list_losses(session: "Session", shown: frozenset[int], *, json: bool) -> int:
    """Show what is lost in the whole ledger, but for what was `shown` already (by name); return how many there are."""
    from ccops.engine.losses import open_losses

    ledger, count = session.heart.ledger, 0
    for loss in open_losses(ledger):
        count += 1
        if loss.name in shown:
            continue
        person = ledger.people.by_id(loss.last.contact)
        email = None if person is None else person.email or None
        if json:
            session.console.json_line(_object(loss, email))
        else:
            _print(session, loss, email or str(loss.last.contact))
    return count


def choices_of(loss: "Loss") -> list[tuple[str, str]]:
    """Return the commands that settle a loss, and what each does."""
    return [(loss.command, GIVES_BACK), (f"ccops settle {entry_name(loss.name)} --as not-applied", _LEAVES)]


def _print(session: "Session", loss: "Loss", who: str) -> None:
    console = session.console
    gap = _INDENT if console.out.is_terminal else "\t"
    console.say(f"{clean(who)}{gap}", Styled("lost", "bad"), f"{gap}{entry_name(loss.name)}", urgent=True)
    for line in console.out.fit(loss.text, taken=len(_INDENT)):
        console.say(f"{_INDENT}{line}", urgent=True)
    for command, effect in choices_of(loss):
        console.say(_INDENT, Styled(command, "bold"), urgent=True)
        for line in console.out.fit(effect, taken=2 * len(_INDENT)):
            console.say(f"{_INDENT * 2}{line}", urgent=True)


def _object(loss: "Loss", email: str | None) -> Mapping[str, object]:
    """Return what `--json` prints of a loss; scripts depend on its keys."""
    return {
        "entry": entry_name(loss.name),
        "contact": {"id": loss.last.contact, "email": email},
        "status": "lost",
        "reason": loss.text,
        "late": entry_name(loss.late),
        "lost": [entry_name(entry) for entry in loss.entries],
        "before": {each.field: each.left for each in loss.fields},
        "after": {each.field: each.put for each in loss.fields},
        "choices": [{"command": command, "effect": effect} for command, effect in choices_of(loss)],
    }
