"""Whatever stands in a registry, it is either read or told what is wrong; nothing else ever happens."""

from decimal import Decimal
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from ccops.config.errors import FileFault, OperationsFileFaults
from ccops.config.operations_file import parse
from ccops.config.schema import OPERATION_KEYS, FieldTable, keys_of
from ccops.operations.model import REGISTRY_ACTIONS
from ccops.text import clean

SCALARS = st.one_of(
    st.sampled_from([*REGISTRY_ACTIONS, "credits", "Credits", "active", "month", "10m", "clamp", "credits + 1", ""]),
    st.text(max_size=5),
    st.integers(-(10**20), 10**20),
    st.integers(-3, 3),
    st.booleans(),
    st.decimals(allow_nan=True, allow_infinity=True).filter(lambda number: not number.is_snan()),
    st.dates(),
)
CHANGE_KEYS = st.sampled_from(["field", "action", "amount", "value", "from", "formula", "minimum", "beyond", "id", "?"])
CHANGES = st.dictionaries(CHANGE_KEYS, SCALARS, max_size=5)
VALUES = st.one_of(SCALARS, CHANGES, st.lists(st.one_of(SCALARS, CHANGES), max_size=3))
TABLES = st.dictionaries(st.sampled_from(["a", "B c", "adjust", "credits", "ccops_receipt"]), VALUES)
OPERATIONS = st.dictionaries(st.sampled_from([*sorted(OPERATION_KEYS), "amont"]), VALUES, max_size=8)
FIELDS = st.dictionaries(st.sampled_from([*sorted(keys_of(FieldTable)), "labl"]), VALUES)
REGISTRIES = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.one_of(st.just("UTC"), VALUES),
        "operations": st.one_of(TABLES, st.dictionaries(st.sampled_from(["a", "b"]), OPERATIONS)),
        "fields": st.one_of(TABLES, st.dictionaries(st.sampled_from(["credits", "Points"]), FIELDS)),
        "?": VALUES,
    },
)


def told(text: str) -> tuple[FileFault, ...]:
    """Return the faults of a text; their sentences are safe to show."""
    try:
        parse(text)
    except OperationsFileFaults as error:
        return error.faults
    return ()


@given(REGISTRIES)
def test_any_data_is_read_or_told(data: dict[str, Any]) -> None:
    text = tomli_w.dumps(data)
    lines = range(1, text.count("\n") + 2)
    wrong = [fault for fault in told(text) if fault.line not in lines or clean(fault.said("x")) != fault.said("x")]
    assert wrong == []


MARKS = '[ ] [[ ]] { } = . , # \\ " """ \' \'\'\' a operations timezone "UTC" 1 1e9 inf true 2026-02-30 é'
BITS = st.sampled_from([*MARKS.split(), " ", "\n", "\r\n", "\r", "\x00", "\ufeff", "\udcff"])


@given(st.lists(BITS, max_size=30).map("".join))
def test_any_text_is_read_or_told(text: str) -> None:
    assert [fault for fault in told(f'timezone = "UTC"\n{text}') if not fault.text] == []


def test_a_number_is_never_a_float() -> None:
    registry = parse('timezone = "UTC"\n[operations.a]\nfield = "x"\naction = "multiply"\namount = 1.10\n')
    (change,) = registry.operations["a"].changes
    assert (type(change.amount), str(change.amount)) == (Decimal, "1.10")
