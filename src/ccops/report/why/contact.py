"""Rules about who is asked for, and about an operation that is gone."""

from ccops.engine.telling import moved_text
from ccops.report.why.answer import Answer, command, when
from ccops.report.why.case import Case, Person
from ccops.text import clean, same_address


def is_gone(case: Case) -> Answer | None:
    """The CRM has no such contact."""
    person = case.person
    if person.contact is None and person.id is None:
        return _unknown(person)
    if person.contact is not None or not person.reached:
        return None
    return Answer(
        "gone",
        f"{clean(person.name)} ({person.id}) is no longer in Kit, so nothing can be given to it.",
        "See what it had",
        (command("history", str(person.id)),),
    )


def _unknown(person: Person) -> Answer:
    """Nobody knows the contact, so that nothing can be done for it: mostly it is misspelt."""
    why = f"Kit has no contact {clean(person.word)}, and the ledger has never met one."
    if not person.reached:
        why = f"The ledger has never met a contact {clean(person.word)}, and Kit can't be asked now."
    if person.near is not None:
        asked = () if person.operation is None else (person.operation,)
        return Answer("unknown", why, "Did you mean", (command("why", person.near, *asked),))
    look = "Check the spelling, or look for the person in Kit, and ask again by the address or the id there"
    return Answer("unknown", why, look)


def is_no_operation(case: Case) -> Answer | None:
    """The operation is no longer in the registry."""
    if case.operation is not None or case.is_one_off:
        return None
    last = case.newest
    said = "never ran for this contact" if last is None else f"was last done {when(last.moment, case)} (e{last.id})"
    mend = command("history", case.person.name, "--op", case.name)
    return Answer(
        "no-operation", f"{case.name} is no longer in operations.toml, and {said}.", "See it all", (mend,), last
    )


def preface(person: Person) -> str:
    """Say if the contact has another address than the one that the ledger knows, or that was asked for."""
    now = None if person.contact is None else person.contact.email
    if now is None:
        return ""
    if person.before is not None:
        return f"{clean(now)} is another contact ({person.id}) than before ({person.before}). "
    if "@" in person.word and not same_address(person.word, now):
        return f"{moved_text(person.word, now)}. "
    if person.known_as is not None and not same_address(person.known_as, now):
        return f"{clean(now)} was {clean(person.known_as)} before, the same contact ({person.id}). "
    return ""
