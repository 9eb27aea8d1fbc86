"""Changes as the command line gives them, turned into what the registry's file says."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from ccops.cli.op.rules import Rules
from ccops.errors import Misconfigured
from ccops.operations.model import REGISTRY_ACTIONS, Action
from ccops.operations.numbers import NotANumber, parse_number, plain
from ccops.registry.faults import nearest
from ccops.registry.render import TomlValue
from ccops.text import shorten

Step = dict[str, TomlValue]
"""One change, as a table of the registry."""

_AMOUNTS: Final = ("increase", "decrease", "multiply", "top-up", "add-days")
_KEYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_AMOUNTS, "amount"),
    "append": "value",
    "copy": "from",
    "formula": "formula",
}
STEP_KEYS: Final = ("field", "action", "amount", "value", "from", "formula")
"""What a single change may have in the operation's own table."""


class BadChange(Misconfigured):
    """A text of `--change` is no change."""

    mend = '--change "credits decrease 3" --change "opened_on stamp"'

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"--change {shorten(text)}: {why}. Nothing was changed. Write it like:")


class TwoActions(Misconfigured):
    """More than one action for the one field."""

    mend = '--change "credits decrease 3" --change "opened_on stamp"'

    def __init__(self, options: Sequence[str]) -> None:
        super().__init__(f"{' and '.join(options)} can't both be the change of one field. For several changes:")


class ChangeIncomplete(Misconfigured):
    """A field without an action, or an action without a field."""

    def __init__(self, missing: str) -> None:
        self.mend = "ccops op add --help"
        super().__init__(f"{missing} is missing. Nothing was changed.")


def action_of(rules: Rules) -> Step:
    """Return action and value that the options name, without the field; empty if they name none."""
    given: dict[str, Step] = {}
    for action in REGISTRY_ACTIONS:
        name = "copy_from" if action == "copy" else action.replace("-", "_")
        value = getattr(rules, name)
        if value is not None and value is not False:
            given[f"--{name.replace('_', '-')}"] = step_of(action, value)
    if len(given) > 1:
        raise TwoActions(list(given))
    return next(iter(given.values()), {})


def step_of(action: Action, value: object) -> Step:
    """Return an action with its value as tables of the registry have them."""
    match action, value:
        case "stamp", _:
            return {"action": action}
        case "set", _:
            return {"action": action, **_put(str(value))}
        case _, Decimal():
            return {"action": action, "amount": value}
    return {"action": action, _KEYS[action]: str(value)}


def parse_change(text: str) -> Step:
    """Read `FIELD ACTION [VALUE]`, such as `credits decrease 3`. Raises BadChange."""
    field, _, change = text.strip().partition(" ")
    word, _, value = change.strip().partition(" ")
    rest = value.strip()
    if not word:
        raise BadChange(text, "it needs a field and an action")
    action = next((known for known in REGISTRY_ACTIONS if known == word), None)
    if action is None:
        guess = nearest(word, REGISTRY_ACTIONS)
        raise BadChange(text, f"{shorten(word)} is no action" + (f' (did you mean "{guess}"?)' if guess else ""))
    if bool(rest) == (action == "stamp"):
        raise BadChange(text, f'"{action}" takes {"no value" if rest else "a value"}')
    return {"field": field, **step_of(action, _value(text, action, rest))}


def _value(text: str, action: Action, rest: str) -> object:
    if action not in _AMOUNTS:
        return rest
    try:
        return parse_number(rest, Decimal(0))
    except NotANumber as fault:
        raise BadChange(text, f"{fault.shown} is {fault.why}") from None


def _put(text: str) -> Step:
    """Tell a number from a text; one like 007 is a text, for as a number it would be written 7."""
    try:
        number = parse_number(text, Decimal(0))
    except NotANumber:
        return {"value": text}
    return {"amount": number} if text == plain(number) else {"value": text}
