"""The options that say what an operation does; `add` and `edit` take them all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ccops.cli.options import number
from ccops.cli.value_checks import check_unsaid
from ccops.config.errors import FileFault, OperationsFileFaults, nearest
from ccops.config.toml_edit import TomlValue
from ccops.errors import Misconfigured
from ccops.operations.model import REGISTRY_ACTIONS, STATES, Action, AfterRun, Beyond, DecimalSign, Period
from ccops.operations.numbers import NotANumber, parse_number, plain
from ccops.text import shorten

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.operations.model import Operation

_CHANGE: Final = "The change"
_LIMITS: Final = "Limits"
_WHEN: Final = "When, and for whom"
_POSTS: Final = "Started by a POST"
_KIT: Final = "In Kit"
_STATES: Final = f"{', '.join(STATES[:-1])} or {STATES[-1]}"


def _amount(name: str, meaning: str, panel: str = _CHANGE) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar="N", parser=number(name), help=meaning, rich_help_panel=panel
    )
    return option


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """What the options say; `Rules()` if nothing was said."""

    description: Annotated[
        str | None,
        typer.Option("--description", metavar="TEXT", help="What it is for, in your words.", rich_help_panel=_CHANGE),
    ] = None
    field: Annotated[
        str | None,
        typer.Option("--field", metavar="FIELD", help="The custom field that it changes.", rich_help_panel=_CHANGE),
    ] = None
    increase: Annotated[Decimal | None, _amount("--increase", "Add to the number in the field.")] = None
    decrease: Annotated[Decimal | None, _amount("--decrease", "Take from the number in the field.")] = None
    set: Annotated[
        str | None,
        typer.Option("--set", metavar="VALUE", help="Put a number or a text there.", rich_help_panel=_CHANGE),
    ] = None
    multiply: Annotated[Decimal | None, _amount("--multiply", "Multiply the number in the field.")] = None
    top_up: Annotated[Decimal | None, _amount("--top-up", "Raise the number to N, if it is below.")] = None
    append: Annotated[
        str | None,
        typer.Option("--append", metavar="TEXT", help="Put a text behind what is there.", rich_help_panel=_CHANGE),
    ] = None
    copy_from: Annotated[
        str | None,
        typer.Option("--copy-from", metavar="FIELD", help="Copy another field's value.", rich_help_panel=_CHANGE),
    ] = None
    add_days: Annotated[Decimal | None, _amount("--add-days", "Move the date in the field; today, if it is empty.")] = (
        None
    )
    stamp: Annotated[bool, typer.Option("--stamp", help="Put the date of the day there.", rich_help_panel=_CHANGE)] = (
        False
    )
    formula: Annotated[
        str | None,
        typer.Option(
            "--formula", metavar="TEXT", help='Compute it, such as "credits * 2 + bonus".', rich_help_panel=_CHANGE
        ),
    ] = None
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--change",
            metavar="TEXT",
            help='One of several changes, as "FIELD ACTION VALUE"; repeatable.',
            rich_help_panel=_CHANGE,
        ),
    ] = None
    minimum: Annotated[Decimal | None, _amount("--minimum", "Never below N.", _LIMITS)] = None
    maximum: Annotated[Decimal | None, _amount("--maximum", "Never above N.", _LIMITS)] = None
    beyond: Annotated[
        Beyond | None,
        typer.Option(
            "--beyond",
            help="If a limit would be passed: refuse (the default), or clamp, that is, stop at the limit.",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    blank: Annotated[Decimal | None, _amount("--blank", "What an empty field counts as; else 0.", _LIMITS)] = None
    decimals: Annotated[
        int | None,
        typer.Option("--decimals", metavar="N", min=0, help="Decimal places of the result.", rich_help_panel=_LIMITS),
    ] = None
    once_per: Annotated[
        Period | None,
        typer.Option("--once-per", help="Count at most once for each contact in this time.", rich_help_panel=_WHEN),
    ] = None
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state", metavar="STATE", help=f"Only contacts who are {_STATES}; repeatable.", rich_help_panel=_WHEN
        ),
    ] = None
    after_run: Annotated[
        AfterRun | None,
        typer.Option(
            "--after-run", help="Take its own tag off when it has run (the default), or keep it.", rich_help_panel=_WHEN
        ),
    ] = None
    tag_if_applied: Annotated[
        list[str] | None,
        typer.Option(
            "--tag-if-applied", metavar="TAG", help="Add this tag if it was applied; repeatable.", rich_help_panel=_WHEN
        ),
    ] = None
    tag_if_refused: Annotated[
        list[str] | None,
        typer.Option(
            "--tag-if-refused", metavar="TAG", help="Add this tag if it was refused; repeatable.", rich_help_panel=_WHEN
        ),
    ] = None
    amount_from_post: Annotated[
        bool | None,
        typer.Option(
            "--amount-from-post/--own-amount", help="Whether the POST names the amount.", rich_help_panel=_POSTS
        ),
    ] = None
    repeat_window: Annotated[
        str | None,
        typer.Option(
            "--repeat-window",
            metavar="TIME",
            help="The same POST again within this time, such as 10m, counts once.",
            rich_help_panel=_POSTS,
        ),
    ] = None
    post_contact: Annotated[
        str | None,
        typer.Option(
            "--post-contact",
            metavar="PATH",
            help="Where in it the e-mail address is, such as data.email.",
            rich_help_panel=_POSTS,
        ),
    ] = None
    post_occasion: Annotated[
        str | None,
        typer.Option(
            "--post-occasion",
            metavar="PATH",
            help="Where in it the id of the payment or order is, such as data.id.",
            rich_help_panel=_POSTS,
        ),
    ] = None
    post_decimal: Annotated[
        DecimalSign | None,
        typer.Option(
            "--post-decimal",
            metavar="SIGN",
            help='The sign before decimals in its amount: "." or ",".',
            rich_help_panel=_POSTS,
        ),
    ] = None

    @property
    def numbers(self) -> Mapping[str, Decimal | None]:
        """The numbers by which fields move and within which they stay, by their options."""
        return {
            "--increase": self.increase,
            "--decrease": self.decrease,
            "--top-up": self.top_up,
            "--minimum": self.minimum,
            "--maximum": self.maximum,
        }


@dataclass(frozen=True, slots=True)
class CrmOptions:
    """What is to be made in Kit too; `InKit()` if nothing."""

    create_field: Annotated[
        bool, typer.Option("--create-field", help="Make the field, if Kit does not have it.", rich_help_panel=_KIT)
    ] = False
    tag: Annotated[
        str | None,
        typer.Option(
            "--tag",
            metavar="[TAG]",
            help='Make a tag that starts it, called "ccops: OPERATION" unless you say TAG.',
            rich_help_panel=_KIT,
        ),
    ] = None


# ---- changes as the command line gives them, turned into what the registry's file says

ChangeTable = dict[str, TomlValue]
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


def action_of(rules: RuleOptions) -> ChangeTable:
    """Return action and value that the options name, without the field; empty if they name none."""
    given: dict[str, ChangeTable] = {}
    for action in REGISTRY_ACTIONS:
        name = "copy_from" if action == "copy" else action.replace("-", "_")
        value = getattr(rules, name)
        if value is not None and value is not False:
            given[f"--{name.replace('_', '-')}"] = step_of(action, value)
    if len(given) > 1:
        raise TwoActions(list(given))
    return next(iter(given.values()), {})


def step_of(action: Action, value: object) -> ChangeTable:
    """Return an action with its value as tables of the registry have them."""
    match action, value:
        case "stamp", _:
            return {"action": action}
        case "set", _:
            return {"action": action, **_put(str(value))}
        case _, Decimal():
            return {"action": action, "amount": value}
    return {"action": action, _KEYS[action]: str(value)}


def parse_change(text: str) -> ChangeTable:
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


def _put(text: str) -> ChangeTable:
    """Tell a number from a text; one like 007 is a text, for as a number it would be written 7."""
    try:
        number = parse_number(text, Decimal(0))
    except NotANumber:
        return {"value": text}
    return {"amount": number} if text == plain(number) else {"value": text}


# ---- from the options to the keys of one operation in the registry's file

OperationValues = Mapping[str, Any]
"""An operation as the file has it."""
_OPTIONS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "beyond": "beyond",
    "blank": "blank",
    "decimals": "decimals",
    "once_per": "once_per",
    "after_run": "after_run",
    "state": "states",
    "tag_if_applied": "tags_if_applied",
    "tag_if_refused": "tags_if_refused",
    "amount_from_post": "amount_from_post",
    "repeat_window": "repeat_window",
}
"""The key that each option sets, in the order in which people read them."""
_POST: Final = {"post_contact": "contact", "post_occasion": "occasion", "post_decimal": "decimal"}
"""The key in `post` that each option sets."""
_OPTIONAL: Final = {"description": "description", **_OPTIONS, **dict.fromkeys(_POST, "post")}


class NothingToTakeOut(Misconfigured):
    """`--without` names what no operation can do without, or what does not exist."""

    mend = "ccops op edit --help"

    def __init__(self, word: str) -> None:
        names = [name.replace("_", "-") for name in _OPTIONAL]
        guess = nearest(word, names)
        hint = f'did you mean "{guess}"?' if guess else f"one of {', '.join(names)}."
        super().__init__(f"--without {shorten(word)}: this can't be taken out; {hint}")


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be set and taken out."""

    put: dict[str, TomlValue] = field(default_factory=dict)
    drop: tuple[str, ...] = ()


def steps_of(rules: RuleOptions) -> list[ChangeTable]:
    """Return the changes that the options name, in their order. Raises ChangeIncomplete and BadChange."""
    steps = [parse_change(text) for text in rules.change or ()]
    action = action_of(rules)
    if rules.field is None and (action or not steps):
        raise ChangeIncomplete("--field")
    if rules.field is None:
        return steps
    if not action:
        raise ChangeIncomplete("a change, such as --increase 10,")
    return [{"field": rules.field, **action}, *steps]


def new_keys(rules: RuleOptions, steps: Sequence[ChangeTable]) -> dict[str, TomlValue]:
    """Return all keys of a new operation."""
    changes = steps[0] if len(steps) == 1 else {"changes": steps}
    return {**_description(rules), **changes, **_others(rules, {})}


def edited_keys(rules: RuleOptions, without: Sequence[str], table: OperationValues) -> Edit:
    """Return what the options change in an operation that is there.

    Its only change may be given in part (`--increase 20`); several are given anew, each with `--change`.
    """
    change = _all_steps(rules) if rules.change else _part_of_step(rules, table)
    put = {**_description(rules), **change.put, **_others(rules, table.get("post", {}))}
    return Edit(put, (*change.drop, *map(_key, without)))


def _description(rules: RuleOptions) -> dict[str, TomlValue]:
    return {} if rules.description is None else {"description": rules.description}


def _others(rules: RuleOptions, post: OperationValues) -> dict[str, TomlValue]:
    given = {key: getattr(rules, option) for option, key in _OPTIONS.items()}
    said = {key: value for option, key in _POST.items() if (value := getattr(rules, option)) is not None}
    keys = {key: value for key, value in given.items() if value is not None}
    return {**keys, "post": {**post, **said}} if said else keys


def _all_steps(rules: RuleOptions) -> Edit:
    steps = steps_of(rules)
    if len(steps) > 1:
        return Edit({"changes": steps}, STEP_KEYS)
    return Edit(dict(steps[0]), ("changes", *_missing(steps[0])))


def _part_of_step(rules: RuleOptions, table: OperationValues) -> Edit:
    part = action_of(rules)
    gone = _missing(part) if part else ()
    if rules.field is not None:
        part = {"field": rules.field, **part}
    if not part or "changes" not in table:
        return Edit(part, tuple(key for key in gone if key != "field"))
    if len(table["changes"]) > 1:
        raise ChangeIncomplete("--change, once for each change of this operation,")
    kept = {key: value for key, value in table["changes"][0].items() if key == "field" or key not in gone}
    return Edit({"changes": [{**kept, **part}]})


def _missing(step: ChangeTable) -> tuple[str, ...]:
    return tuple(key for key in STEP_KEYS if key not in step)


def _key(word: str) -> str:
    option = word.removeprefix("--").replace("-", "_")
    if option not in _OPTIONAL:
        raise NothingToTakeOut(word)
    return _OPTIONAL[option]


# ---- putting operations into the registry, with mistakes told in terms of the command line


class RulesDontHold(Misconfigured):
    """What was asked for makes no operation that can work."""

    def __init__(self, operation: str, faults: Sequence[FileFault], path: str) -> None:
        self.mend = f"{path} --help"
        texts = [fault.text for fault in faults]
        lead = f"{operation} can't be like this. Nothing was changed."
        super().__init__("\n".join([lead, *texts]))


def table_of(session: "Session", name: str) -> OperationValues:
    """Return an operation as the file has it. Raises NoSuchOperation and RegistryFaults."""
    from ccops.config.operations_file import read
    from ccops.config.toml_document import parse_toml

    session.operation(name)
    table: OperationValues = parse_toml(read(session.home.registry)).data["operations"][name]
    return table


def save_new(session: "Session", name: str, keys: "Mapping[str, TomlValue]") -> "Operation":
    """Add an operation. Raises RulesDontHold, OperationExists, TellsCredential and what reading the registry raises."""
    from ccops.config.operations_file import add_operation

    check_texts(session, name, keys)
    with _in_their_words(session, name, "ccops op add"):
        return add_operation(session.home.registry, name, keys).operations[name]


def save_edit(session: "Session", name: str, change: Edit) -> "Operation":
    """Change an operation. Raises RulesDontHold, TellsCredential and what reading the registry raises."""
    from ccops.config.operations_file import edit_operation

    check_texts(session, name, change.put)
    with _in_their_words(session, name, "ccops op edit"):
        return edit_operation(session.home.registry, name, change.put, change.drop).operations[name]


def check_texts(session: "Session", name: str, keys: "Mapping[str, TomlValue]") -> None:
    """Refuse a name or a rule with the credential in it: both are shown and stored. Raises TellsCredential."""
    check_unsaid(session, name, "the operation's name")
    check_unsaid(session, repr(dict(keys)), "the operation")


@contextmanager
def _in_their_words(session: "Session", name: str, path: str) -> Iterator[None]:
    """Tell faults without lines of a text that was never saved; those of the file as it is are told as they are."""
    _ = session.registry
    try:
        yield
    except OperationsFileFaults as wrong:
        raise RulesDontHold(name, wrong.faults, path) from None
