"""Every mistake in a registry is told at once, with its line and what to do."""

import pytest

from ccops.config.errors import FileFault, OperationsFileFaults
from ccops.config.operations_file import parse
from tests.config.mistaken import change, faults, operation

MISTAKES = {
    "own-receipt": (
        operation('field = "ccops_receipt"', 'action = "stamp"'),
        '3 gold: "field" can\'t be "ccops_receipt": ccops keeps its own receipts there',
    ),
    "label-for-a-key": (
        operation('field = "Gold Credits"', 'action = "stamp"'),
        (
            '3 gold: "field" must be a field\'s key (a-z, 0-9, _) or a label of [fields], not "Gold Credits"; '
            'did you mean "gold_credits"?'
        ),
    ),
    "rules-of-no-key": (
        'timezone = "UTC"\n[fields.Credits]\nminimum = 0\n',
        '2: [fields.Credits] "Credits" is not a field\'s key (a-z, 0-9, _); did you mean "credits"?',
    ),
    "label-twice": (
        'timezone = "UTC"\n[fields.a]\nlabel = "Gold"\n[fields.b]\nlabel = "gold"\n',
        '5: [fields.b] "gold" is the label of [fields.a] already',
    ),
    "label-that-is-another-key": (
        'timezone = "UTC"\n[fields.a]\nlabel = "b"\n[fields.b]\n',
        '3: [fields.a] "b" is the key of another field',
    ),
    "sole-writer-in-quotes": (
        'timezone = "UTC"\n[fields.a]\nsole_writer = "yes"\n',
        '3: [fields.a] "sole_writer" must be true or false, not "yes"',
    ),
    "formula-unreadable": (
        change('action = "formula"', 'formula = "credits ** 2"'),
        '5 gold: "credits ** 2": a formula can\'t have "**" (character 9)',
    ),
    "formula-reads-a-label": (
        change('action = "formula"', 'formula = "Points + 1"'),
        '5 gold: "Points" is not a field\'s key (a-z, 0-9, _); did you mean "points"?',
    ),
    "once-per-fortnight": (
        change('action = "stamp"', 'once_per = "monthly"'),
        (
            '5 gold: "once_per" must be "day", "week", "month", "quarter", "year" or "ever", not "monthly"; '
            'did you mean "month"?'
        ),
    ),
    "state-unknown": (
        change('action = "stamp"', "states = [", '  "active",', '  "canceled",', "]"),
        (
            '7 gold: each of "states" must be "active", "inactive", "bounced", "complained" or "cancelled", '
            'not "canceled"; did you mean "cancelled"?'
        ),
    ),
    "states-empty": (
        change('action = "stamp"', "states = []"),
        '5 gold: "states" is empty: everybody would be left out',
    ),
    "window-without-unit": (
        change('action = "stamp"', "repeat_window = 10"),
        '5 gold: "repeat_window" must be a time such as "90s", "10m" or "2h", not 10',
    ),
    "window-too-long": (
        change('action = "stamp"', 'repeat_window = "25h"'),
        '5 gold: "repeat_window" must be between 1s and 24h, not "25h"',
    ),
    "post-path": (
        change('action = "stamp"', 'post = { contact = "data..email" }'),
        '5 gold: "contact" must be a path such as "data.object.email", not "data..email"',
    ),
    "post-path-ends-blank": (
        change('action = "stamp"', 'post = { contact = "Work Email " }'),
        '5 gold: "contact" must be a path such as "data.object.email", not "Work Email "',
    ),
    "post-decimal": (
        change('action = "stamp"', 'post = { decimal = ";" }'),
        '5 gold: "decimal" must be "." or ",", not ";".',
    ),
    "post-key": (
        change('action = "stamp"', 'post = { ocasion = "id" }'),
        '5 gold: "ocasion" is not a key; did you mean "occasion"?',
    ),
    "post-amount-for-a-stamp": (
        change('action = "stamp"', "amount_from_post = true"),
        '5 gold: "amount_from_post" needs exactly one change with an amount; here are none',
    ),
    "tag-without-name": (
        change('action = "stamp"', "tag = { id = 5 }"),
        '5 gold: "name" is missing',
    ),
    "tag-by-name-only": (
        change('action = "stamp"', 'tag = "ccops: gold"'),
        '5 gold: "tag" must be a table, not "ccops: gold"',
    ),
    "tag-id-in-quotes": (
        change('action = "stamp"', "[operations.gold.tag]", 'id = "5"', 'name = "t"'),
        '6 gold: "id" must be a whole number, not "5"',
    ),
    "follow-up-tag-empty": (
        change('action = "stamp"', 'tags_if_applied = [" "]'),
        '5 gold: each of "tags_if_applied" must not be empty',
    ),
    "operation-name": (
        'timezone = "UTC"\n[operations."Gold Members"]\nfield = "a"\naction = "stamp"\n',
        (
            '2 Gold Members: "Gold Members" is no name for an operation (1 to 64 of a-z, 0-9, - and _); '
            'did you mean "gold-members"?'
        ),
    ),
    "operation-name-of-ccops": (
        'timezone = "UTC"\n[operations.adjust]\nfield = "a"\naction = "stamp"\n',
        '2 adjust: "adjust" is a word of ccops itself; choose another name',
    ),
    "operation-no-table": (
        'timezone = "UTC"\n[operations]\ngold = 5\n',
        '3 gold: "gold" must be a table, [operations.NAME]',
    ),
    "operations-no-table": (
        'timezone = "UTC"\noperations = []\n',
        '2: "operations" must be a table',
    ),
    "zone-missing": ("", '1: "timezone" is missing; it is a name such as "America/New_York"'),
    "zone-misspelt": (
        '\ntimezone = "America/NewYork"\n',
        '2: "America/NewYork" is not a time zone; did you mean "America/New_York"?',
    ),
    "zone-city": (
        'timezone = "Paris"\n',
        '1: "Paris" is not a time zone; did you mean "Europe/Paris"?',
    ),
    "zone-of-the-machine": ('timezone = "localtime"\n', '1: "localtime" is not a time zone.'),
    "zone-path": ('timezone = "../../etc/passwd"\n', '1: "../../etc/passwd" is not a time zone.'),
    "zone-number": (
        "timezone = 5\n",
        '1: "timezone" must be a text in quotes, such as "America/New_York"',
    ),
    "escape-codes-in-a-value": (
        change('action = "\\u001b[2J"'),
        '4 gold: "\\x1b[2J" is not an action.',
    ),
    "quote-missing": (
        'timezone = "UTC"\n[operations.gold]\nfield = "credits\n',
        "3: this is not TOML (Illegal character '\\n'); a text stands in quotes, a list in [ ]",
    ),
    "same-operation-twice": (
        operation("paused = true", "", "[operations.gold]", "paused = true"),
        "5: [operations.gold], first on line 2, stands in the file a second time",
    ),
    "same-key-twice": (
        operation("paused = true", "paused = true"),
        '4: "paused" stands in the file a second time',
    ),
    "same-table-in-another-form": (
        'timezone = "UTC"\nfields.credits = { minimum = 0 }\n[ fields.credits ]\nmaximum = 3\n',
        "3: [ fields.credits ] stands in the file a second time",
    ),
    "same-key-twice-in-one-line": (
        'timezone = "UTC"\n[operations.gold]\n"tag" = { id = 7, id = 8 }\n',
        "3: this table or key stands in the file a second time",
    ),
    "list-unclosed": (
        'timezone = "UTC"\n[operations.gold]\nstates = ["active"\n\n\n',
        "3: this is not TOML (Unclosed array); a text stands in quotes, a list in [ ]",
    ),
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line(text: str, said: str) -> None:
    assert faults(text) == [said]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
[fields.credits]
minimun = 0

[operations.gold]
field = "credits"
action = "increase"
amont = 10
maximum = -5
minimum = 5
tag = { id = 7, name = "ccops: gold" }
tags_if_applied = ["CCOPS: silver "]

[operations.silver]
field = "points"
action = "incrase"
amount = 10
paused = "no"
tag = { id = 7, name = "ccops: silver" }

[operations.undo]
field = "points"
action = "increase"
amount = 10
maximum = 5
minimum = 6
"""
    assert faults(text) == [
        '1: "timezone" is missing; it is a name such as "America/New_York"',
        '2: [fields.credits] "minimun" is not a key; did you mean "minimum"?',
        '7 gold: "amont" is not a key; did you mean "amount"?',
        '11 gold: "CCOPS: silver " is the trigger tag of "silver"; an operation can\'t start another',
        '15 silver: "incrase" is not an action; did you mean "increase"?',
        '17 silver: "paused" must be true or false, not "no"',
        '18 silver: tag 7 is bound to "gold" already',
        '20 undo: "undo" is a word of ccops itself; choose another name',
        "25 undo: minimum 6 is above maximum 5",
    ]


def test_an_unknown_key_does_not_hide_limits_that_cant_hold() -> None:
    text = change('action = "set"', "amount = 9", "maximum = 5", "zzz = 1")
    assert faults(text) == ['5 gold: "set" to 9 is above the maximum of 5', '7 gold: "zzz" is not a key.']


def test_a_misspelt_limit_is_not_told_a_second_time_as_a_clamp_without_limit() -> None:
    text = change('action = "increase"', "amount = 9", 'beyond = "clamp"', "maximun = 5")
    assert faults(text) == ['7 gold: "maximun" is not a key; did you mean "maximum"?']


@pytest.mark.parametrize("other", ['{ id = 7, name = "b" }', '{ id = 8, name = "CCOPS: A" }'])
def test_a_tag_is_bound_once_whatever_names_it(other: str) -> None:
    text = """\
timezone = "UTC"
[operations]
a = { field = "x", action = "stamp", tag = { id = 7, name = "ccops: a" } }
b = { field = "x", action = "stamp", tag = OTHER }
"""
    said = faults(text.replace("OTHER", other))
    assert [line.removesuffix(' is bound to "a" already') for line in said] in (["4 b: tag 7"], ['4 b: tag "CCOPS: A"'])


def test_an_operation_may_not_add_its_own_tag_afterwards() -> None:
    text = change('action = "stamp"', 'tag = { id = 7, name = "Go" }', 'tags_if_refused = ["stop", "go"]')
    assert faults(text) == ['6 gold: "go" is the trigger tag of "gold"; an operation can\'t start another']


def test_a_fault_says_where_it_is_and_how_it_is_mended() -> None:
    with pytest.raises(OperationsFileFaults) as caught:
        parse(change('action = "stamp"', "amount = 3"), "operations.toml")
    fault = FileFault(5, "gold", "amount", '"amount" means nothing for "stamp"')
    assert caught.value.faults == (fault,)
    assert caught.value.mend == "Correct operations.toml and give the same command again."


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "a = " + "9" * 5000,
        "a = 2026-02-30",
        'a = "\udcff"',
        "\x00",
        "[[[",
        "a.b = 1\na.b.c = 2",
        "[operations.a]\n[operations]\na = 5",
    ],
)
def test_no_text_ends_in_a_traceback(text: str) -> None:
    assert faults(text)
