"""Every mistake in what an operation changes is told with its line and what to do."""

import pytest

from tests.config.mistaken import LIMITED, change, faults, operation

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
    "clamp-without-limit-in-a-change": (
        operation('changes = [{ field = "x", action = "increase", amount = 1, beyond = "clamp" }]'),
        '3 gold: "clamp" needs a "minimum" or "maximum" to stop at',
    ),
    "field-without-name": (
        operation('field = ""', 'action = "stamp"'),
        '3 gold: "field" must be the key of a field, such as "credits", not ""',
    ),
    "amount-as-a-list": (
        change('action = "increase"', "amount = [10]"),
        '5 gold: "amount" must be a number, not a list',
    ),
    "decimals-absurd": (
        change('action = "increase"', "amount = 1", "decimals = 99999999999999999999"),
        '6 gold: "decimals" must be a whole number from 0 to 10, not a number that is too large',
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
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line(text: str, said: str) -> None:
    assert faults(text) == [said]
