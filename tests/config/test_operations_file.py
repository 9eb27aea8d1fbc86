"""What a registry without mistakes says."""

from decimal import Decimal
from pathlib import Path

import pytest

from ccops.config.errors import FileUnusable, OperationsFileFaults, RegistryMissing
from ccops.config.operations_file import field_key, load, parse
from ccops.operations.model import STATES, Change, FieldRules, Operation, OperationsFile, PostPlaces, Tag

EXAMPLE = """\
timezone = "America/New_York"

[fields.credits]               # optional
minimum = 0
sole_writer = true

[operations.monthly-grant]
description = "Credits for the month, from cron"
field = "credits"
action = "increase"
amount = 10
maximum = 120
beyond = "clamp"
once_per = "month"

[operations.payment-credit]
description = "10 credits for each successful payment"
field = "credits"
action = "increase"
amount = 10
tag = { id = 1042, name = "ccops: payment-credit" }
after_run = "remove-tag"
states = ["active", "cancelled"]

[operations.unlock-replay]
description = "Spend 3 credits, open the replay"
changes = [
  { field = "credits", action = "decrease", amount = 3 },
  { field = "replay_opened_on", action = "stamp" },
]
tags_if_applied = ["access: replay"]
tags_if_refused = ["needs: more credits"]
post = { contact = "data.object.customer_details.email", occasion = "id", decimal = "," }
amount_from_post = false
repeat_window = "10m"
paused = false
"""


def only(text: str) -> Change:
    """Return the only change of the only operation of a registry that begins with a time zone."""
    (operation,) = parse(f'timezone = "UTC"\n{text}').operations.values()
    (change,) = operation.changes
    return change


def test_the_example_of_the_manual_is_read_whole() -> None:
    zone = "America/New_York"
    assert parse(EXAMPLE) == OperationsFile(
        zone,
        {"credits": FieldRules(minimum=Decimal(0), sole_writer=True)},
        {
            "monthly-grant": Operation(
                "monthly-grant",
                (
                    Change(
                        "credits",
                        "increase",
                        Decimal(10),
                        minimum=Decimal(0),
                        maximum=Decimal(120),
                        beyond="clamp",
                        sole_writer=True,
                    ),
                ),
                zone,
                description="Credits for the month, from cron",
                once_per="month",
            ),
            "payment-credit": Operation(
                "payment-credit",
                (Change("credits", "increase", Decimal(10), minimum=Decimal(0), sole_writer=True),),
                zone,
                description="10 credits for each successful payment",
                tag=Tag(1042, "ccops: payment-credit"),
                states=frozenset({"active", "cancelled"}),
            ),
            "unlock-replay": Operation(
                "unlock-replay",
                (
                    Change("credits", "decrease", Decimal(3), minimum=Decimal(0), sole_writer=True),
                    Change("replay_opened_on", "stamp"),
                ),
                zone,
                description="Spend 3 credits, open the replay",
                tags_if_applied=("access: replay",),
                tags_if_refused=("needs: more credits",),
                post=PostPlaces("data.object.customer_details.email", "id", ","),
            ),
        },
    )


def test_numbers_are_exact_and_keep_their_places() -> None:
    change = only('[operations.a]\nfield = "x"\naction = "increase"\namount = 0.10\n')
    assert str(change.amount) == "0.10"


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ('action = "multiply"\namount = 0', Change("x", "multiply", Decimal(0))),
        ('action = "top-up"\namount = -5', Change("x", "top-up", Decimal(-5))),
        ('action = "add-days"\namount = -7', Change("x", "add-days", Decimal(-7))),
        ('action = "set"\namount = 0x10', Change("x", "set", Decimal(16))),
        ('action = "set"\nvalue = ""', Change("x", "set", value="")),
        ('action = "append"\nvalue = ", gold"', Change("x", "append", value=", gold")),
        ('action = "copy"\nfrom = "y"', Change("x", "copy", source="y")),
        ('action = "formula"\nformula = "x * 2"', Change("x", "formula", formula="x * 2")),
        ('action = "stamp"', Change("x", "stamp")),
    ],
)
def test_each_action_has_keys_of_its_own(steps: str, wanted: Change) -> None:
    assert only(f'[operations.a]\nfield = "x"\n{steps}\n') == wanted


def test_the_tighter_limit_wins() -> None:
    change = only("""\
[fields.x]
minimum = 5
maximum = 100
[operations.a]
maximum = 80
minimum = 0
changes = [{ field = "x", action = "increase", amount = 1, maximum = 90 }]
""")
    assert (change.minimum, change.maximum) == (Decimal(5), Decimal(80))


def test_blank_and_decimals_come_from_the_change_then_the_operation_then_the_field() -> None:
    text = """\
timezone = "UTC"
[fields.x]
blank = 1
decimals = 1
[fields.y]
blank = 1
[operations.a]
blank = 2
changes = [
  { field = "x", action = "increase", amount = 1, blank = 3 },
  { field = "y", action = "increase", amount = 1 },
]
[operations.b]
field = "x"
action = "increase"
amount = 1
"""
    changes = [change for operation in parse(text).operations.values() for change in operation.changes]
    assert [(change.blank, change.decimals) for change in changes] == [
        (Decimal(3), 1),
        (Decimal(2), None),
        (Decimal(1), 1),
    ]


def test_an_operations_limits_hold_for_its_numbers_only() -> None:
    text = """\
timezone = "UTC"
[operations.a]
maximum = 9
changes = [{ field = "x", action = "increase", amount = 1 }, { field = "y", action = "stamp" }]
"""
    assert [change.maximum for change in parse(text).operations["a"].changes] == [Decimal(9), None]


def test_a_label_stands_for_its_key() -> None:
    change = only("""\
[fields.gold_credits]
label = "Gold Credits"
[fields.points]
label = "Points"
[operations.a]
field = "gold credits"
action = "copy"
from = "Points"
""")
    assert (change.field, change.source) == ("gold_credits", "points")


def test_a_name_that_is_no_label_stays_as_it_is() -> None:
    fields = {"credits": FieldRules(label="Gold")}
    assert [field_key(fields, name) for name in ("credits", "GOLD", "silver")] == ["credits", "credits", "silver"]


@pytest.mark.parametrize(("window", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("24h", 86400)])
def test_a_repeat_window_is_read_as_seconds(window: str, seconds: int) -> None:
    text = f'timezone = "UTC"\n[operations.a]\nfield = "x"\naction = "stamp"\nrepeat_window = "{window}"\n'
    assert parse(text).operations["a"].repeat_window == seconds


def test_without_states_all_contacts_are_meant() -> None:
    assert parse(EXAMPLE).operations["monthly-grant"].states == frozenset(STATES)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "operations.toml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())
    assert load(path) == parse(EXAMPLE)


def test_a_missing_registry_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(RegistryMissing) as caught:
        load(tmp_path / "operations.toml")
    assert (str(caught.value), caught.value.mend) == (
        f"there is no registry at {tmp_path / 'operations.toml'}.",
        "ccops init\nor, if it is elsewhere: --home DIR, or CCOPS_HOME\nor, from a backup: ccops restore FILE",
    )


def test_a_registry_that_is_no_text_is_told_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "operations.toml"
    path.write_bytes(b'timezone = "UTC"\n# caf\xe9\n')
    with pytest.raises(OperationsFileFaults, match=r"^operations\.toml:2: the file is not UTF-8 text$"):
        load(path)


def test_a_folder_in_place_of_the_registry_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileUnusable, match=r"can't be used: Is a directory\.$"):
        load(tmp_path)
