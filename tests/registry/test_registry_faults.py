"""Every mistake in a registry is told at once, with its line and what to do."""

import pytest

from ccops.registry.faults import Fault, RegistryFaults
from ccops.registry.load import parse


def faults(text: str) -> list[str]:
    """Return what is said about a text, a line each, without the file's name."""
    try:
        parse(text)
    except RegistryFaults as error:
        return [line.removeprefix("operations.toml:") for line in str(error).splitlines()]
    return []


def operation(*lines: str, top: str = "") -> str:
    """Write a registry with one operation; its header stands in line 2, or right behind `top`."""
    return "\n".join(['timezone = "America/New_York"', *top.splitlines(), "[operations.gold]", *lines]) + "\n"


def change(*lines: str, top: str = "") -> str:
    """Write a registry with one operation on credits; `lines` begin in line 4."""
    return operation('field = "credits"', *lines, top=top)


LIMITED = "[fields.credits]\nminimum = 0\nmaximum = 100"

MISTAKES = {
    "unknown-key": (
        change('action = "increase"', "amont = 10"),
        '5 gold: "amont" is not a key; did you mean "amount"?',
    ),
    "unlike-any-key": (
        change('action = "increase"', "amount = 10", "zzz = 1"),
        '6 gold: "zzz" is not a key.',
    ),
    "unknown-table-at-the-top": (
        'timezone = "UTC"\n[operation.gold]\n',
        '2: "operation" is not a key; did you mean "operations"?',
    ),
    "unknown-action": (
        change('action = "incrase"', "amount = 10"),
        '4 gold: "incrase" is not an action; did you mean "increase"?',
    ),
    "an-action-of-undo": (
        change('action = "restore"', 'value = "5"'),
        '4 gold: "restore" is not an action.',
    ),
    "no-action": (
        change("amount = 10"),
        (
            '2 gold: "action" is missing; it is one of increase, decrease, set, multiply, top-up, append, copy, '
            "add-days, stamp, formula"
        ),
    ),
    "misspelt-action-key": (
        change('acton = "increase"', "amount = 10"),
        '4 gold: "acton" is not a key; did you mean "action"?',
    ),
    "nothing-to-do": (
        operation('description = "Later"'),
        '2 gold: nothing says what it does: "field" and "action" are missing',
    ),
    "no-amount": (
        change('action = "increase"'),
        '2 gold: "amount" is missing; "increase" needs it',
    ),
    "amount-that-means-nothing": (
        change('action = "stamp"', "amount = 3"),
        '5 gold: "amount" means nothing for "stamp"',
    ),
    "amount-in-quotes": (
        change('action = "increase"', 'amount = "10"'),
        '5 gold: "amount" must be a number without quotes, not "10"',
    ),
    "amount-true": (
        change('action = "increase"', "amount = true"),
        '5 gold: "amount" must be a number, not true',
    ),
    "amount-zero": (
        change('action = "decrease"', "amount = 0"),
        '5 gold: "amount" must be more than 0, not 0',
    ),
    "amount-negative": (
        change('action = "multiply"', "amount = -0.5"),
        '5 gold: "amount" must be 0 or more, not -0.5',
    ),
    "amount-infinite": (
        change('action = "top-up"', "amount = inf"),
        '5 gold: "amount" is too large; the most is 1,000,000,000,000,000',
    ),
    "amount-with-an-absurd-exponent": (
        change('action = "top-up"', "amount = 1e999999999999999999999"),
        '5 gold: "amount" is too large; the most is 1,000,000,000,000,000',
    ),
    "amount-with-many-places": (
        change('action = "top-up"', "amount = 0.12345678901"),
        '5 gold: "amount" has more than 10 decimal places',
    ),
    "half-a-day": (
        change('action = "add-days"', "amount = 1.5"),
        '5 gold: "amount" must be a whole number of days, not 1.5',
    ),
    "days-past-the-calendar": (
        change('action = "add-days"', "amount = -99999"),
        '5 gold: "amount" must be at most 36500 days, not -99999',
    ),
    "set-to-nothing": (
        change('action = "set"'),
        '2 gold: "set" needs "amount" (a number) or "value" (a text)',
    ),
    "set-to-two-things": (
        change('action = "set"', "amount = 3", 'value = "three"'),
        '6 gold: "set" takes "amount" (a number) or "value" (a text), not both',
    ),
    "set-past-the-maximum": (
        change('action = "set"', "amount = 500", "maximum = 120"),
        '5 gold: "set" to 500 is above the maximum of 120',
    ),
    "set-text-past-the-minimum-of-the-field": (
        change('action = "set"', 'value = "-3"', top=LIMITED),
        '8 gold: "set" to -3 is below the minimum of 0',
    ),
    "set-text-that-is-no-number": (
        change('action = "set"', 'value = "many"', top=LIMITED),
        '8 gold: [fields.credits] has limits, and "many" is not a number',
    ),
    "top-up-past-the-maximum": (
        change('action = "top-up"', "amount = 120.50", top=LIMITED),
        '8 gold: "top-up" to 120.50 is above the maximum of 100',
    ),
    "minimum-above-maximum": (
        change('action = "increase"', "amount = 1", "minimum = 50", "maximum = 20"),
        "6 gold: minimum 50 is above maximum 20",
    ),
    "minimum-above-maximum-of-the-field": (
        change('action = "increase"', "amount = 1", "minimum = 200", top=LIMITED),
        "9 gold: minimum 200 is above maximum 100 (of [fields.credits])",
    ),
    "field-limits-crossed": (
        'timezone = "UTC"\n[fields.credits]\nminimum = 9\nmaximum = 8\n',
        "3: [fields.credits] minimum 9 is above maximum 8",
    ),
    "clamp-without-limit": (
        change('action = "increase"', "amount = 1", 'beyond = "clamp"'),
        '6 gold: "clamp" needs a "minimum" or "maximum" to stop at',
    ),
    "beyond-unknown": (
        change('action = "increase"', "amount = 1", 'beyond = "clmp"', "maximum = 9"),
        '6 gold: "beyond" must be "refuse" or "clamp", not "clmp"; did you mean "clamp"?',
    ),
    "limit-of-a-stamp": (
        change('action = "stamp"', "maximum = 9"),
        '5 gold: "maximum" means nothing for "stamp"',
    ),
    "decimals-of-a-text": (
        change('action = "set"', 'value = "x"', "decimals = 2"),
        '6 gold: "decimals" means nothing for "set" of a text',
    ),
    "decimals-negative": (
        change('action = "increase"', "amount = 1", "decimals = -1"),
        '6 gold: "decimals" must be a whole number from 0 to 10, not -1',
    ),
    "stamp-on-a-field-with-limits": (
        change('action = "stamp"', top=LIMITED),
        '7 gold: [fields.credits] has limits, and "stamp" writes no number',
    ),
    "copy-into-a-field-with-limits": (
        change('action = "copy"', 'from = "points"', top=LIMITED),
        (
            '7 gold: [fields.credits] has limits, which "copy" does not look at; '
            'use action = "formula", formula = "points"'
        ),
    ),
    "copy-onto-itself": (
        change('action = "copy"', 'from = "credits"'),
        '5 gold: "from" is the field itself, "credits"',
    ),
    "copy-from-nowhere": (
        change('action = "copy"'),
        '2 gold: "from" is missing; "copy" needs it',
    ),
    "changes-and-shorthand": (
        change('changes = [{ field = "credits", action = "stamp" }]'),
        '3 gold: "field" can\'t stand beside "changes"; put it into one of them',
    ),
    "changes-empty": (
        operation("changes = []"),
        '3 gold: "changes" is empty',
    ),
    "changes-no-list": (
        operation("changes = 5"),
        '3 gold: "changes" must be a list in [ ], not 5',
    ),
    "change-no-table": (
        operation('changes = ["stamp"]'),
        '3 gold: each of "changes" must be a table, not "stamp"',
    ),
    "mistake-in-the-second-change": (
        operation(
            "changes = [  # [not a header]",
            '  { field = "credits", action = "decrease", amount = 3 },',
            "  # amount = 5",
            '  { field = "opened", action = "stamp", amonut = 3 },',
            "]",
        ),
        '6 gold: "amonut" is not a key.',
    ),
    "mistake-in-a-table-of-changes": (
        operation(
            "paused = true",
            "[[operations.gold.changes]]",
            'field = "credits"',
            'action = "stamp"',
            "[[operations.gold.changes]]",
            'field = "opened"',
            'action = "stamped"',
        ),
        '9 gold: "stamped" is not an action; did you mean "stamp"?',
    ),
    "two-changes-on-one-field": (
        operation(
            "changes = [",
            '  { field = "credits", action = "decrease", amount = 3 },',
            '  { action = "multiply", amount = 2, field = "credits" },',
            "]",
        ),
        '5 gold: two changes write "credits"; make them one',
    ),
    "ten-fields": (
        operation(
            "changes = [" + ", ".join(f'{{ field = "f{number}", action = "stamp" }}' for number in range(10)) + "]"
        ),
        "3 gold: 10 fields are written; Kit takes 9 beside the receipt",
    ),
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
    "post-key": (
        change('action = "stamp"', 'post = { ocasion = "id" }'),
        '5 gold: "ocasion" is not a key; did you mean "occasion"?',
    ),
    "post-amount-for-a-stamp": (
        change('action = "stamp"', "amount_from_post = true"),
        '5 gold: "amount_from_post" needs one change with an amount, not 0',
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
        "5: this table or key stands in the file a second time",
    ),
    "same-key-twice": (
        operation("paused = true", "paused = true"),
        "4: this table or key stands in the file a second time",
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
    with pytest.raises(RegistryFaults) as caught:
        parse(change('action = "stamp"', "amount = 3"), "operations.toml")
    fault = Fault(5, "gold", "amount", '"amount" means nothing for "stamp"')
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
