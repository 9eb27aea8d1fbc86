"""`op add`: the operation, and its field and tag in Kit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccops.cli import setup
from ccops.cli.keys import check_unsaid
from ccops.cli.op import saving
from ccops.cli.op.keys import new_keys, steps_of
from ccops.cli.op.rules import Rules
from ccops.cli.op.texts import does
from ccops.cli.questions import NobodyToAsk
from ccops.cli.signs import demand_signs
from ccops.cli.thousands import tell_of_thousands
from ccops.errors import Misconfigured
from ccops.text import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccops.cli.op.rules import InKit
    from ccops.cli.op.steps import Step
    from ccops.cli.session import Session
    from ccops.crm.base import CustomField
    from ccops.operations.model import Operation


class NameTaken(Misconfigured):
    """An operation of that name is there already."""

    def __init__(self, name: str) -> None:
        self.mend = f"ccops op edit {name}"
        super().__init__(f"an operation is called {shorten(name)} already. Nothing was changed. To change it:")


@dataclass(frozen=True, slots=True)
class NewOperation:
    """What is to be made."""

    name: str
    rules: Rules
    steps: "Sequence[Step]"
    create_field: bool
    tag: str | None
    """The name of its tag, empty for the usual one; None for no tag."""


def add(session: "Session", name: str | None, rules: Rules, in_kit: "InKit") -> None:
    """Make an operation out of options, or of answers if there are none."""
    demand_signs(session.argv, {"--increase": rules.increase, "--decrease": rules.decrease})
    tell_of_thousands(session, rules.numbers)
    registry = session.registry
    if name is not None and name in registry.operations:
        raise NameTaken(name)
    if name is None or rules == Rules():
        if not session.questions.possible:
            raise NobodyToAsk("What does it do?", "OPERATION, --field and a change, such as --increase 10")
        from ccops.cli.op.asking import ask

        wanted = ask(session, name, in_kit)
    else:
        wanted = NewOperation(name, rules, steps_of(rules), in_kit.create_field, in_kit.tag)
    make(session, wanted)


def make(session: "Session", wanted: NewOperation) -> None:
    """Make field, operation and tag, in this order: repeating it after a mishap does no harm."""
    saving.check_texts(session, wanted.name, new_keys(wanted.rules, wanted.steps))
    check_unsaid(session, wanted.tag, "--tag")
    steps = wanted.steps
    tag = None if wanted.tag is None else wanted.tag or setup.default_tag(wanted.name)
    if tag is not None:
        setup.demand_free_tag(session, wanted.name, tag, saved=False)
    if wanted.create_field or tag is not None:
        steps = [in_crm(session, step, create=wanted.create_field) for step in steps]
    fields = setup.fields_if_reachable(session)
    if fields is not None:
        steps = [among(session, step, fields) for step in steps]
    operation = saving.add(session, wanted.name, new_keys(wanted.rules, steps))
    setup.warn_of_missing(session, operation, fields)
    setup.note_fields(session, operation, fields)
    session.console.tell(f"{operation.name} is in the registry: {does(operation)}.")
    finish(session, operation, tag)


def in_crm(session: "Session", step: "Step", *, create: bool) -> "Step":
    """Return a change with the key that the CRM has for its field."""
    return {**step, "field": setup.field_in_crm(session, str(step["field"]), create=create)}


def among(session: "Session", step: "Step", fields: "Sequence[CustomField]") -> "Step":
    """Return a change with the key that its field has among those of the CRM. Raises FieldMissing."""
    return {**step, "field": setup.key_among(session, fields, str(step["field"]))}


def finish(session: "Session", operation: "Operation", tag: str | None) -> None:
    """Make the tag, if one is wanted, and say what is next."""
    if tag is None:
        session.console.advise(f"Run it for a contact: ccops run {operation.name} you@example.org --dry-run")
        if operation.tag is None:
            session.console.advise(f"Start it from Kit by a tag: ccops tag create {operation.name}")
        return
    made = setup.make_tag(session, operation.name, tag)
    session.console.tell(f'Made the tag "{made.name}" in Kit; it starts {operation.name}.')
    setup.say_next(session, operation.name, made.name)
