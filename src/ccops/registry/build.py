"""From a checked table to an operation that is whole, noting what can't hold in it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ccops.operations.model import MOST_FIELDS, STATES, Change, FieldRules, Operation, PostPlaces, Tag
from ccops.operations.numbers import plain
from ccops.registry.document import Document
from ccops.registry.limits import findings, fold, is_number
from ccops.registry.lines import Keys
from ccops.registry.schema import LIMIT_KEYS, FieldTable, Limits, OperationTable, Put

_NO_RULES: Final = FieldRules()


def build_rules(document: Document, key: str, table: FieldTable) -> FieldRules:
    """Return the rules of one `[fields.KEY]`, noting limits that no value keeps."""
    if table.minimum is not None and table.maximum is not None and table.minimum > table.maximum:
        document.fault(
            ("fields", key, "minimum"), f"minimum {plain(table.minimum)} is above maximum {plain(table.maximum)}"
        )
    return FieldRules(**table.model_dump())


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes one operation of its table and the rules of the fields."""

    document: Document
    name: str
    table: OperationTable
    timezone: str
    rules: Mapping[str, FieldRules]
    folded: bool
    """The only change stands in the operation's own table."""
    sure: bool
    """No other mistake was found in the table."""

    def build(self) -> Operation:
        """Return the operation; whether it can hold is told by the document's faults alone."""
        table = self.table
        changes = tuple(fold(step, table, self.rules.get(step.field, _NO_RULES)) for step in table.changes)
        self._check_changes(changes)
        self._check_whole(changes)
        return Operation(
            name=self.name,
            changes=changes,
            timezone=self.timezone,
            description=table.description,
            once_per=table.once_per,
            tag=Tag(table.tag.id, table.tag.name) if table.tag else None,
            after_run=table.after_run,
            states=frozenset(STATES if table.states is None else table.states),
            tags_if_applied=tuple(table.tags_if_applied),
            tags_if_refused=tuple(table.tags_if_refused),
            post=PostPlaces(table.post.contact, table.post.occasion, table.post.decimal),
            amount_from_post=table.amount_from_post,
            repeat_window=table.repeat_window,
            paused=table.paused,
        )

    def _fault(self, *keys: str | int, text: str) -> None:
        self.document.fault(("operations", self.name, *keys), text)

    def _place(self, number: int) -> Keys:
        return () if self.folded else ("changes", number)

    def _check_changes(self, changes: tuple[Change, ...]) -> None:
        seen: Counter[str] = Counter()
        for number, (step, change) in enumerate(zip(self.table.changes, changes, strict=True)):
            for key, text in findings(step, change, self.rules.get(step.field, _NO_RULES)):
                self._fault(*self._place(number), key, text=text)
            seen[step.field] += 1
            if seen[step.field] == 2:  # noqa: PLR2004 - the second is one too many; a third is the same mistake
                self._fault("changes", number, "field", text=f'two changes write "{step.field}"; make them one')

    def _check_whole(self, changes: tuple[Change, ...]) -> None:
        if not changes:
            self._fault("changes", text='"changes" is empty')
        if len(fields := {change.field for change in changes}) > MOST_FIELDS:
            self._fault("changes", text=f"{len(fields)} fields are written; Kit takes {MOST_FIELDS} beside the receipt")
        if self.table.states == []:
            self._fault("states", text='"states" is empty: everybody would be left out')
        self._check_limits(changes)
        self._check_clamp(changes)
        self._check_amount(changes)

    def _check_limits(self, changes: tuple[Change, ...]) -> None:
        if any(map(is_number, self.table.changes)):
            return
        actions = " and ".join(f'"{action}"' for action in dict.fromkeys(change.action for change in changes))
        text = " of a text" if any(isinstance(step, Put) for step in self.table.changes) else ""
        for key in sorted(LIMIT_KEYS & self.table.model_fields_set):
            self._fault(key, text=f'"{key}" means nothing for {actions}{text}')

    def _check_clamp(self, changes: tuple[Change, ...]) -> None:
        text = '"clamp" needs a "minimum" or "maximum" to stop at'
        bare = [change.minimum is None and change.maximum is None for change in changes]
        numbers = [lacks for step, lacks in zip(self.table.changes, bare, strict=True) if is_number(step)]
        if self.sure and self.table.beyond == "clamp" and numbers and all(numbers):
            self._fault("beyond", text=text)
        for number, step in enumerate(self.table.changes):
            if self.sure and bare[number] and isinstance(step, Limits) and step.beyond == "clamp":
                self._fault("changes", number, "beyond", text=text)

    def _check_amount(self, changes: tuple[Change, ...]) -> None:
        takers = sum(change.amount is not None for change in changes)
        if self.table.amount_from_post and takers != 1:
            here = takers or "none"
            text = f'"amount_from_post" needs exactly one change with an amount; here are {here}'
            self._fault("amount_from_post", text=text)
