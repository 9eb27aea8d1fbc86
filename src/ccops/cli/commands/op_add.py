"""`op add`: the operation, and its field and tag in Kit."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

from ccops.cli import setup
from ccops.cli.commands.op_options import ChangeTable, RuleOptions, check_texts, new_keys, save_new, step_of, steps_of
from ccops.cli.commands.op_view import ONCE, does
from ccops.cli.prompts import NobodyToAsk
from ccops.cli.setup import default_tag
from ccops.cli.value_checks import check_unsaid, demand_signs, tell_of_thousands
from ccops.config.checks import OPERATION_NAME
from ccops.config.schema import RECEIPT_FIELD
from ccops.errors import CredentialRefused, Misconfigured, ServiceUnreachable
from ccops.operations.model import AMOUNT_ACTIONS, NUMBER_ACTIONS, PERIODS, RESERVED_NAMES, Action, Period
from ccops.operations.numbers import parse_number
from ccops.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ccops.cli.commands.op_options import CrmOptions
    from ccops.cli.context import Session
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
    rules: RuleOptions
    steps: "Sequence[ChangeTable]"
    create_field: bool
    tag: str | None
    """The name of its tag, empty for the usual one; None for no tag."""


def add_operation(session: "Session", name: str | None, rules: RuleOptions, in_kit: "CrmOptions") -> None:
    """Make an operation out of options, or of answers if there are none."""
    demand_signs(session.argv, {"--increase": rules.increase, "--decrease": rules.decrease})
    tell_of_thousands(session, rules.numbers)
    registry = session.registry
    if name is not None and name in registry.operations:
        raise NameTaken(name)
    if name is None or rules == RuleOptions():
        if not session.questions.possible:
            raise NobodyToAsk("What does it do?", "OPERATION, --field and a change, such as --increase 10")

        wanted = ask(session, name, in_kit)
    else:
        wanted = NewOperation(name, rules, steps_of(rules), in_kit.create_field, in_kit.tag)
    make(session, wanted)


def make(session: "Session", wanted: NewOperation) -> None:
    """Make field, operation and tag, in this order: repeating it after a mishap does no harm."""
    check_texts(session, wanted.name, new_keys(wanted.rules, wanted.steps))
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
    operation = save_new(session, wanted.name, new_keys(wanted.rules, steps))
    setup.warn_of_missing(session, operation, fields)
    setup.note_fields(session, operation, fields)
    session.console.tell(f"{operation.name} is in the registry: {does(operation)}.")
    finish(session, operation, tag)


def in_crm(session: "Session", step: "ChangeTable", *, create: bool) -> "ChangeTable":
    """Return a change with the key that the CRM has for its field."""
    return {**step, "field": setup.field_in_crm(session, str(step["field"]), create=create)}


def among(session: "Session", step: "ChangeTable", fields: "Sequence[CustomField]") -> "ChangeTable":
    """Return a change with the key that its field has among those of the CRM. Raises FieldMissing."""
    return {**step, "field": setup.key_among(session, fields, str(step["field"]))}


def finish(session: "Session", operation: "Operation", tag: str | None) -> None:
    """Make the tag, if one is wanted, and say what is next."""
    if tag is None:
        session.console.advise(
            f"Run it for a contact: {session.spell(f'ccops run {operation.name}')} you@example.org --dry-run"
        )
        if operation.tag is None:
            session.console.advise(f"Start it from Kit by a tag: {session.spell(f'ccops tag create {operation.name}')}")
        return
    made = setup.make_tag(session, operation.name, tag)
    session.console.tell(f'Made the tag "{made.name}" in Kit; it starts {operation.name}.')
    setup.say_next(session, operation.name, made.name)


# ---- `op add` at a terminal: one question at a time

_ANOTHER: Final = "another"
_NO: Final = "no"
_BEYOND: Final = (("refuse", "change nothing, and say so"), ("clamp", "go as far as the limit, and stop there"))
_ACTIONS: Final[tuple[tuple[Action, str], ...]] = (
    ("increase", "add to the number"),
    ("decrease", "take from the number"),
    ("set", "put a number or a text there"),
    ("multiply", "multiply the number"),
    ("top-up", "raise the number to at least so much"),
    ("append", "put a text behind what is there"),
    ("copy", "copy the value of another field"),
    ("add-days", "move the date by some days"),
    ("stamp", "put the date of the day there"),
    ("formula", "compute it, such as credits * 2 + bonus"),
)
_VALUES: Final[dict[Action, str]] = {
    "increase": "By how much?",
    "decrease": "By how much?",
    "multiply": "By what?",
    "top-up": "To how much?",
    "add-days": "By how many days?",
    "set": "To what?",
    "append": "Which text?",
    "copy": "Which field's value?",
    "formula": "Which formula?",
}


class BadName(Misconfigured):
    """A text can't be an operation's name."""

    def __init__(self) -> None:
        super().__init__("Please use small letters, digits and - only, such as payment-credit.")


class AnswerMissing(Misconfigured):
    """A question that needs an answer got none."""

    def __init__(self) -> None:
        super().__init__("This needs an answer.")


def ask(session: "Session", name: str | None, in_kit: "CrmOptions") -> NewOperation:
    """Ask for all that an operation needs; what the command line said already is not asked again."""
    asker = _Wizard(session)
    return asker.operation(name, in_kit)


class _Wizard:
    """The questions, in their order; each names the option that would have answered it."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._ask = session.questions
        self._known = _fields_in_crm(session)
        self._to_make = False

    def operation(self, name: str | None, in_kit: "CrmOptions") -> NewOperation:
        """Ask everything."""
        name = name or self._ask.ask("What is it called?", self._free_name, option="OPERATION")
        about = self._ask.ask("What is it for? A sentence, or nothing:", str, option="--description")
        steps = [self._step("Which field does it change?")]
        while self._ask.confirm("Does it change one more field?", option="--change"):
            steps.append(self._step("Which one?"))
        limits = self._limits(steps[0]) if len(steps) == 1 else {}
        rules = RuleOptions(description=about or None, once_per=self._once_per(), **limits)
        tag = in_kit.tag if in_kit.tag is not None else self._tag(name)
        return NewOperation(name, rules, steps, self._to_make or in_kit.create_field, tag)

    def _free_name(self, text: str) -> str:
        if not OPERATION_NAME.fullmatch(text) or text in RESERVED_NAMES:
            raise BadName
        if text in self._session.registry.operations:
            raise NameTaken(text)
        return text

    def _step(self, question: str) -> ChangeTable:
        field = self._field(question)
        action = cast("Action", self._ask.choose("What is done with it?", _ACTIONS, option="--increase or the like"))
        if action == "stamp":
            return {"field": field, **step_of(action, value=True)}
        option = f"--{'copy-from' if action == 'copy' else action}"
        read: Callable[[str], object] = _number if action in AMOUNT_ACTIONS else _something
        return {"field": field, **step_of(action, self._ask.ask(_VALUES[action], read, option=option))}

    def _field(self, question: str) -> str:
        if not self._known:
            return self._ask.ask(f"{question} Its key in Kit:", _something, option="--field")
        choices = [*self._known.items(), (_ANOTHER, "make a new field in Kit")]
        field = self._ask.choose(question, choices, option="--field")
        if field != _ANOTHER:
            return field
        self._to_make = True
        return self._ask.ask("What is the new field called?", _something, option="--field and --create-field")

    def _limits(self, step: ChangeTable) -> dict[str, Any]:
        if step["action"] not in NUMBER_ACTIONS:
            return {}
        limits: dict[str, Any] = {
            "maximum": self._ask.ask("Never above? A number, or nothing:", _number_or_none, option="--maximum"),
            "minimum": self._ask.ask("Never below? A number, or nothing:", _number_or_none, option="--minimum"),
        }
        if limits["maximum"] is not None or limits["minimum"] is not None:
            limits["beyond"] = self._ask.choose(
                "And if it would be passed?", _BEYOND, option="--beyond", default="refuse"
            )
        return limits

    def _once_per(self) -> Period | None:
        choices = [(_NO, "each time it is started"), *((period, ONCE[period]) for period in PERIODS)]
        chosen = self._ask.choose("How often may it count for one contact?", choices, option="--once-per", default=_NO)
        return None if chosen == _NO else cast("Period", chosen)

    def _tag(self, name: str) -> str | None:
        if not self._known:
            return None
        wanted = self._ask.confirm("Make a tag in Kit that starts it?", option="--tag", default=True)
        return (
            self._ask.ask("What is the tag called?", _something, option="--tag", default=default_tag(name))
            if wanted
            else None
        )


def _fields_in_crm(session: "Session") -> dict[str, str]:
    """Return the fields to choose from, as key and label; none, and why, if the CRM can't be asked."""
    try:
        fields = session.crm.fields()
    except (CredentialRefused, ServiceUnreachable, Misconfigured) as error:
        session.console.note(f"Kit can't be asked for its fields now: {error}")
        return {}
    return {field.key: field.label for field in fields if field.key != RECEIPT_FIELD}


def _something(text: str) -> str:
    if not text:
        raise AnswerMissing
    return text


def _number(text: str) -> Decimal:
    return parse_number(_something(text), Decimal(0))


def _number_or_none(text: str) -> Decimal | None:
    return _number(text) if text else None
