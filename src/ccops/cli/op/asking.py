"""`op add` at a terminal: one question at a time."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

from ccops.cli.op.adding import NameTaken, NewOperation
from ccops.cli.op.rules import Rules
from ccops.cli.op.steps import Step, step_of
from ccops.cli.op.texts import ONCE
from ccops.cli.setup import default_tag
from ccops.errors import CredentialRefused, Misconfigured, ServiceUnreachable
from ccops.operations.model import AMOUNT_ACTIONS, NUMBER_ACTIONS, PERIODS, RESERVED_NAMES, Action, Period
from ccops.operations.numbers import parse_number
from ccops.registry.checks import OPERATION_NAME
from ccops.registry.values import RECEIPT_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccops.cli.op.rules import InKit
    from ccops.cli.session import Session

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


def ask(session: "Session", name: str | None, in_kit: "InKit") -> NewOperation:
    """Ask for all that an operation needs; what the command line said already is not asked again."""
    asker = _Asker(session)
    return asker.operation(name, in_kit)


class _Asker:
    """The questions, in their order; each names the option that would have answered it."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._ask = session.questions
        self._known = _fields_in_crm(session)
        self._to_make = False

    def operation(self, name: str | None, in_kit: "InKit") -> NewOperation:
        """Ask everything."""
        name = name or self._ask.ask("What is it called?", self._free_name, option="OPERATION")
        about = self._ask.ask("What is it for? A sentence, or nothing:", str, option="--description")
        steps = [self._step("Which field does it change?")]
        while self._ask.confirm("Does it change one more field?", option="--change"):
            steps.append(self._step("Which one?"))
        limits = self._limits(steps[0]) if len(steps) == 1 else {}
        rules = Rules(description=about or None, once_per=self._once_per(), **limits)
        tag = in_kit.tag if in_kit.tag is not None else self._tag(name)
        return NewOperation(name, rules, steps, self._to_make or in_kit.create_field, tag)

    def _free_name(self, text: str) -> str:
        if not OPERATION_NAME.fullmatch(text) or text in RESERVED_NAMES:
            raise BadName
        if text in self._session.registry.operations:
            raise NameTaken(text)
        return text

    def _step(self, question: str) -> Step:
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

    def _limits(self, step: Step) -> dict[str, Any]:
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
