"""From the options to the keys of one operation in the registry's file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ccops.cli.op.rules import Rules
from ccops.cli.op.steps import STEP_KEYS, ChangeIncomplete, Step, action_of, parse_change
from ccops.errors import Misconfigured
from ccops.registry.faults import nearest
from ccops.registry.render import TomlValue
from ccops.text import shorten

Table = Mapping[str, Any]
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


def steps_of(rules: Rules) -> list[Step]:
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


def new_keys(rules: Rules, steps: Sequence[Step]) -> dict[str, TomlValue]:
    """Return all keys of a new operation."""
    changes = steps[0] if len(steps) == 1 else {"changes": steps}
    return {**_description(rules), **changes, **_others(rules, {})}


def edited_keys(rules: Rules, without: Sequence[str], table: Table) -> Edit:
    """Return what the options change in an operation that is there.

    Its only change may be given in part (`--increase 20`); several are given anew, each with `--change`.
    """
    change = _all_steps(rules) if rules.change else _part_of_step(rules, table)
    put = {**_description(rules), **change.put, **_others(rules, table.get("post", {}))}
    return Edit(put, (*change.drop, *map(_key, without)))


def _description(rules: Rules) -> dict[str, TomlValue]:
    return {} if rules.description is None else {"description": rules.description}


def _others(rules: Rules, post: Table) -> dict[str, TomlValue]:
    given = {key: getattr(rules, option) for option, key in _OPTIONS.items()}
    said = {key: value for option, key in _POST.items() if (value := getattr(rules, option)) is not None}
    keys = {key: value for key, value in given.items() if value is not None}
    return {**keys, "post": {**post, **said}} if said else keys


def _all_steps(rules: Rules) -> Edit:
    steps = steps_of(rules)
    if len(steps) > 1:
        return Edit({"changes": steps}, STEP_KEYS)
    return Edit(dict(steps[0]), ("changes", *_missing(steps[0])))


def _part_of_step(rules: Rules, table: Table) -> Edit:
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


def _missing(step: Step) -> tuple[str, ...]:
    return tuple(key for key in STEP_KEYS if key not in step)


def _key(word: str) -> str:
    option = word.removeprefix("--").replace("-", "_")
    if option not in _OPTIONAL:
        raise NothingToTakeOut(word)
    return _OPTIONAL[option]
