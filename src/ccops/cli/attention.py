"""Entries that need a person: what was tried, what Kit shows now, and the choices as lines to copy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ccops.app.phrases import change_text, entry_name, value_text
from ccops.cli.exit_status import FINE, status_of
from ccops.cli.outcome_view import outcome_lines, outcome_object, short_time
from ccops.cli.output import Styled, StyledLine
from ccops.errors import CcopsError, CredentialRefused, ServiceUnreachable
from ccops.ledger.model import Origin
from ccops.operations.occasion import describe_occasion
from ccops.text import clean, shorten

if TYPE_CHECKING:
    from ccops.app.doctor.findings import Finding
    from ccops.cli.context import Session
    from ccops.cli.output import Console
    from ccops.engine.losses import Loss
    from ccops.engine.outcomes import Outcome
    from ccops.engine.settle import EntryLook

GIVES_BACK: Final = "Gives back what the late write took, as an entry of its own. The field changes in Kit."
_LEAVES: Final = "Leaves it lost, and says so in the history. No field is changed."
_LOSS_INDENT: Final = "  "


def list_losses(session: "Session", shown: frozenset[int], *, json: bool) -> int:
    """Show what is lost in the whole ledger, but for what was `shown` already (by name); return how many there are."""
    from ccops.engine.losses import open_losses

    ledger, count = session.applier.ledger, 0
    for loss in open_losses(ledger):
        count += 1
        if loss.name in shown:
            continue
        person = ledger.people.by_id(loss.last.contact)
        email = None if person is None else person.email or None
        if json:
            session.console.json_line(_loss_object(loss, email))
        else:
            _print_loss(session, loss, email or str(loss.last.contact))
    return count


def choices_of(loss: "Loss") -> list[tuple[str, str]]:
    """Return the commands that settle a loss, and what each does."""
    return [(loss.command, GIVES_BACK), (f"ccops settle {entry_name(loss.name)} --as not-applied", _LEAVES)]


def _print_loss(session: "Session", loss: "Loss", who: str) -> None:
    console = session.console
    gap = _LOSS_INDENT if console.out.is_terminal else "\t"
    console.say(f"{clean(who)}{gap}", Styled("lost", "bad"), f"{gap}{entry_name(loss.name)}", urgent=True)
    for line in console.out.fit(loss.text, taken=len(_LOSS_INDENT)):
        console.say(f"{_LOSS_INDENT}{line}", urgent=True)
    for command, effect in choices_of(loss):
        console.say(_LOSS_INDENT, Styled(console.spell(command), "bold"), urgent=True)
        for line in console.out.fit(effect, taken=2 * len(_LOSS_INDENT)):
            console.say(f"{_LOSS_INDENT * 2}{line}", urgent=True)


def _loss_object(loss: "Loss", email: str | None) -> Mapping[str, object]:
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


# ---- entries that need a person: what was tried, what Kit shows now, and the choices as lines to copy

MOST: Final = 20
"""So many contacts are read; who has more to settle sees the others once these are done."""
_INDENT: Final = "  "
_TERM: Final = 8


def list_parked(session: "Session", waiting: "Sequence[Outcome]", *, json: bool) -> tuple[int, frozenset[int]]:
    """Show every entry that needs a person.

    Returns the exit status of not being able to ask Kit, else 0, and the names of the losses that were shown.
    """
    looks, status = _looks(session, waiting)
    for look in looks[: len(looks) if json else MOST]:
        if json:
            session.console.json_line(_object(session, look))
        else:
            _print(session, look)
    if len(looks) > MOST and not json:
        more = len(looks) - MOST
        them = "1 more entry needs you" if more == 1 else f"{more:,} more entries need you"
        session.console.say(f"{them}; settle these first, or see all: ccops history --status parked", urgent=True)
    return status, frozenset(loss.name for look in looks for loss in look.losses)


def _looks(session: "Session", waiting: "Sequence[Outcome]") -> "tuple[list[EntryLook], int]":
    """Ask Kit for the contacts; where it does not answer, say so once and go on without."""
    from ccops.engine.settle import EntryLook, look_at_parked

    looks: list[EntryLook] = []
    try:
        if waiting:
            looks.extend(look_at_parked(session.applier, waiting, MOST))
    except (ServiceUnreachable, CredentialRefused) as error:
        looks += [EntryLook(outcome, asked=False, contact=None) for outcome in waiting[len(looks) :]]
        return looks, _warn(session, error)
    return looks, FINE


def _warn(session: "Session", error: CcopsError) -> int:
    session.console.warn(f"what Kit shows now is not known: {error}")
    return status_of(error)


def _print(session: "Session", look: "EntryLook") -> None:
    console, zone, now = session.console, session.registry.timezone, session.clock.now()
    width = console.out.width if console.out.is_terminal else None
    for parts in outcome_lines(look.outcome, zone, now, (0, width)):
        console.say(*parts, urgent=True)
    lost = [("lost", loss.text) for loss in look.losses]
    for term, text in [("tried", _tried(look, zone, session)), ("Kit", _in_kit(session, look)), *lost]:
        for line in console.out.fit(clean(text), taken=len(_INDENT) + _TERM):
            console.say(f"{_INDENT}{term:<{_TERM}}{line}", urgent=True)
            term = ""  # noqa: PLW2901 - stands once
    for command, effect in _choices(look):
        console.say(_INDENT, Styled(console.spell(command), "bold"), urgent=True)
        for line in console.out.fit(effect, taken=2 * len(_INDENT)):
            console.say(f"{_INDENT * 2}{line}", urgent=True)


def _tried(look: "EntryLook", zone: str, session: "Session") -> str:
    """Say what was to be done, why, and when it was sent."""
    entry = look.outcome.entry
    if entry is None:
        return ""
    what = f"{entry.operation}, {describe_occasion(entry.occasion, zone)}, by {entry.by} ({entry.via})"
    if not look.was_sent or entry.sent_at is None:
        return f"{what}; nothing was sent"
    change = change_text(entry.before, entry.after)
    return f"{change}, sent {short_time(entry.sent_at, zone, session.clock.now()).strip()}; {what}"


def _in_kit(session: "Session", look: "EntryLook") -> str:
    """Say what the contact shows now: the fields, and whose receipt."""
    if not look.asked:
        return "not known"
    if look.contact is None:
        return "the contact is no longer there"
    fields = look.contact.fields
    shown = [f"{key} {value_text(fields[key])}" if key in fields else f"no field {key}" for key in look.fields]
    return ", ".join([*shown, _receipt(session, look)])


def _receipt(session: "Session", look: "EntryLook") -> str:
    """Say whose receipt the contact carries."""
    from ccops.engine.verification import parse_receipt

    identity = session.applier.ledger.identity
    assert look.contact is not None  # noqa: S101 - the caller has looked
    if identity.receipt_field not in look.contact.fields:
        return "no receipt field"
    text = look.contact.fields[identity.receipt_field]
    if not text:
        return "no receipt"
    receipt = parse_receipt(text)
    if receipt is None:
        return f"{shorten(text)} in place of a receipt"
    ledger, number, _ = receipt
    own = ledger in {name for name, _ in identity.lineage.own}
    mine = look.outcome.entry is not None and own and number == look.outcome.entry.id
    return "the receipt of this entry" if mine else f"the receipt of e{number}{'' if own else ' of another ledger'}"


def _choices(look: "EntryLook") -> list[tuple[str, str]]:
    """Return the commands that settle an entry, and what each does."""
    if look.outcome.entry is None:
        return []
    command = f"ccops settle e{look.outcome.entry.id} --as"
    lost = [choice for loss in look.losses for choice in choices_of(loss)]
    done = "It counts as done: the same occasion never runs it again, its tags are put in order. No field is changed."
    not_done = "It counts as not done: the same command may run it again, from what Kit shows now."
    never = [(f"{command} not-applied", not_done)]
    return [*lost, *([(f"{command} applied", done)] if look.was_sent else []), *never]


def _object(session: "Session", look: "EntryLook") -> Mapping[str, object]:
    """Return the object of a change, with what Kit shows now and the choices; scripts depend on its keys."""
    now = session.clock.now()
    kit = None
    if look.contact is not None:
        receipt = session.applier.ledger.identity.receipt_field
        fields = {key: look.contact.fields.get(key) for key in look.fields}
        kit = {"fields": fields, "receipt": look.contact.fields.get(receipt)}
    told = outcome_object(look.outcome, None, Origin(session.settings.actor, "settle"), now)
    choices = [{"command": command, "effect": effect} for command, effect in _choices(look)]
    return {**told, "kit": kit, "choices": choices}


# ---- findings as lines for people and as objects for programs

_AREA: Final = 8
_FINDING_INDENT: Final = " " * (_AREA + 3)


def print_findings(console: "Console", findings: "Iterable[Finding]") -> None:
    """Print a line for each finding, and beneath it what mends it."""
    console.mark()
    for finding in findings:
        mark = Styled("✓", "good") if finding.ok else Styled("✗", "bad")
        head: StyledLine = (mark, f" {finding.area:<{_AREA}} ")
        for text in finding.text.splitlines():
            for line in console.out.fit(text, taken=len(_FINDING_INDENT)):
                console.say(*head, line, urgent=not finding.ok)
                head = (_FINDING_INDENT,)
        for line in finding.mend.splitlines():
            console.say(_FINDING_INDENT, Styled(console.spell(line), "bold"), urgent=not finding.ok)


def finding_object(finding: "Finding") -> Mapping[str, object]:
    """Return the object that `--json` prints for a finding."""
    return {"area": finding.area, "ok": finding.ok, "text": finding.text, "mend": finding.mend or None}
