"""Bad input: each kind with its whole message and exit status; nothing is sent, nothing is lost, no key is shown."""

from collections.abc import Callable

import pytest

from tests.cli.calls import Ended, told
from tests.cli.mistakes import ANN, MISTAKES, RUN
from tests.cli.sites import KEY, OPERATIONS, Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]

DIGITS = "write it in plain digits, without commas or currency: 12, -3 or 3.50"
NO_NUMBERS = {
    "letters": ("abc", '"abc"', "not a number"),
    "a comma": ("1,000", '"1,000"', "not a number"),
    "not-a-number": ("NaN", '"NaN"', "not a number"),
    "infinity": ("Infinity", '"Infinity"', "not a number"),
    "an exponent": ("1e3", '"1e3"', "not a number"),
    "a plus": ("+5", '"+5"', "not a number"),
    "other digits": ("１２", '"１２"', "not a number"),  # noqa: RUF001 - that is the point
    "a currency": ("$5", '"$5"', "not a number"),
    "escapes": ("\x1b[31m5", '"\\x1b[31m5"', "not a number"),
    "400 digits": ("1" * 400, f'"{"1" * 40}…" (400 characters)', "a number of more than 40 digits"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_sends_nothing_and_says_what_mends_it(site: Site, ccops: Call, kind: str) -> None:
    words, error = MISTAKES[kind]
    assert ccops(*words) == Ended(2, "", told(error))
    assert (site.sent, site.credits(), site.entries()) == (0, "5", [])


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", ["an operation with a slip", "a key of two lines", "the API key as key"])
def test_the_real_program_says_the_same(program: Call, kind: str) -> None:
    words, error = MISTAKES[kind]
    assert program(*words) == Ended(2, "", told(error))


@pytest.mark.parametrize("command", [(*RUN, "--amount"), ("adjust", ANN, "credits", "--add")])
@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_an_amount_that_is_no_number_is_a_mistake(site: Site, ccops: Call, kind: str, command: tuple[str, ...]) -> None:
    text, shown, why = NO_NUMBERS[kind]
    ended = ccops(*command, text)
    assert ended == Ended(2, "", told(f"{command[-1]} {shown}: this is {why}. Nothing was done.\n{DIGITS}"))
    assert (site.sent, site.entries()) == (0, [])


@pytest.mark.parametrize("command", [RUN, ("adjust", ANN, "credits", "--take", "1")])
@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_a_field_that_holds_no_number_is_refused(site: Site, ccops: Call, kind: str, command: tuple[str, ...]) -> None:
    text, shown, why = NO_NUMBERS[kind]
    site.kit.set_field(site.ann, "credits", text)
    assert ccops(*command) == Ended(1, f"{ANN}\trefused: credits is {shown}, {why}\te1\n", "")
    assert (site.sent, site.credits(), site.statuses()) == (0, text, ["refused"])


@pytest.mark.parametrize("text", [None, "", "  "])
def test_an_empty_field_counts_as_0(site: Site, ccops: Call, text: str | None) -> None:
    site.kit.set_field(site.ann, "credits", text)
    assert ccops(*RUN).status == 0
    assert site.credits() == "10"


LOOK = "look the person up in Kit"


@pytest.mark.parametrize(
    ("who", "advice"),
    [
        (
            "nobody@example.org",
            f"Check the spelling of nobody@example.org, or {LOOK}: who is no subscriber yet has to become one first.\n",
        ),
        ("999999999999999999", "Look the person up in Kit, and give the e-mail address or the id there.\n"),
        (
            "anne@example.org",
            "Check the spelling of anne@example.org. Did you mean ann@example.org?\n  ccops {} ann@example.org{}\n",
        ),
    ],
)
@pytest.mark.parametrize(
    ("words", "how"), [(("run", "payment-credit"), ("--dry-run",)), (("run", "payment-credit"), ()), (("balance",), ())]
)
def test_a_contact_that_kit_does_not_know_fails(
    site: Site, ccops: Call, who: str, advice: str, words: tuple[str, ...], how: tuple[str, ...]
) -> None:
    ccops(*RUN)
    before = site.sent
    ended = ccops(*words, who, *how)
    assert (ended.status, site.sent) == (1, before)
    assert [word.strip() for word in ended.out.split("\t")[:2]] == [who, "failed: no such contact in Kit"]
    advice = advice.format(" ".join(words), "".join(f" {word}" for word in how))
    assert ended.err.removesuffix("Dry run: nothing was changed.\n") == advice


LACKS, SAFE, THERE = "Kit has no field", "Nothing was changed.", "It has credits, plan, replay_opened_on."
SET_IT = f"ccops adjust {ANN}"
MAKE = f"to make the field: {SET_IT} creditz --set 1 --create-field"


@pytest.mark.parametrize(
    ("field", "error"),
    [
        (
            "creditz",
            f'{LACKS} "creditz". {SAFE} Did you mean credits?\n{SET_IT} credits --set 1{{how}}\nor, {MAKE}',
        ),
        (
            "zzz",
            f'{LACKS} "zzz". {SAFE} {THERE} To make it:\n{SET_IT} zzz --set 1 --create-field',
        ),
        (
            "\x1b[31m[/b]",
            f"{LACKS} \"\\x1b[31m[/b]\". {SAFE} {THERE} To make it:\n{SET_IT} '\\x1b[31m[/b]' --set 1 --create-field",
        ),
        (
            "ccops_receipt",
            'ccops keeps its receipts in the field "ccops_receipt", so it can\'t be adjusted. Nothing was sent.',
        ),
    ],
)
@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_a_field_that_can_not_be_adjusted_is_told(
    site: Site, ccops: Call, field: str, error: str, how: tuple[str, ...]
) -> None:
    error = error.format(how="".join(f" {word}" for word in how))
    assert ccops("adjust", ANN, field, "--set", "1", *how) == Ended(2, "", told(error))
    assert (site.sent, site.entries()) == (0, [])


def test_a_field_of_an_adjustment_is_made_if_asked_for(site: Site, ccops: Call) -> None:
    dry = ccops("adjust", ANN, "Bonus points", "--add", "10", "--create-field", "--dry-run")
    assert (dry.status, "bonus_points" in site.kit.field_values(site.ann)) == (2, False)
    ended = ccops("adjust", ANN, "Bonus points", "--add", "10", "--create-field")
    assert ended.out.split("\t")[1] == "bonus_points (empty) → 10"
    assert ended.err.splitlines()[:2] == [
        'Made the field "Bonus points" in Kit.',
        'Kit calls this field "bonus_points"; that is what is used.',
    ]


def test_the_same_key_with_another_amount_is_refused(site: Site, ccops: Call) -> None:
    ccops(*RUN, "--key", "invoice-7")
    again = ccops(*RUN, "--key", "invoice-7", "--amount", "11")
    assert again == Ended(1, f"{ANN}\trefused: this occasion was used for another amount, by e1\te1\n", "")
    ccops(*RUN, "--key", "invoice-8", "--amount", "11")
    again = ccops(*RUN, "--key", "invoice-8", "--amount", "12")
    assert again == Ended(1, f"{ANN}\trefused: this occasion was used for another amount (11), by e2\te2\n", "")
    assert (site.sent, site.credits()) == (2, "26")


def test_an_entry_is_undone_once_and_a_refused_one_never(site: Site, ccops: Call) -> None:
    ccops(*RUN)
    ccops("run", "payment-credit", "cy@example.org")
    ccops("undo", "e1")
    sent = site.sent
    undone = "e1 was undone already, by e3. Nothing was sent. To bring it back:\nccops undo e3"
    assert ccops("undo", "e1") == Ended(2, "", told(undone))
    assert ccops("undo", "e3", "e1") == Ended(2, "", told(undone))
    refused = "e2 was refused: it changed nothing. Nothing was sent.\nccops history e2"
    assert ccops("undo", "e2") == Ended(2, "", told(refused))
    for number, status in ((1, "undone"), (2, "refused"), (3, "applied")):
        settled = (
            f"e{number} is {status}: there is nothing to settle by hand. Nothing was changed.\nccops history e{number}"
        )
        assert ccops("settle", f"e{number}", "--as", "applied") == Ended(2, "", told(settled))
    assert (site.sent, site.credits()) == (sent, "5")


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (("adjust", ANN, "credits", "--take", "3"), "To bring it back:\nccops undo e2"),
        (
            ("adjust", ANN, "credits", "--take", "3", "--key", "a"),
            "To let its occasion run again:\nccops undo e1 --reopen",
        ),
        (RUN, "To bring it back:\nccops undo e2"),
        ((*RUN, "--once-per", "month"), "To let its occasion run again:\nccops undo e1 --reopen"),
    ],
)
@pytest.mark.usefixtures("site")
def test_reopening_is_proposed_where_the_occasion_can_come_again(ccops: Call, words: tuple[str, ...], way: str) -> None:
    ccops(*words)
    ccops("undo", "e1")
    assert ccops("undo", "e1") == Ended(2, "", told(f"e1 was undone already, by e2. Nothing was sent. {way}"))


def test_a_reason_with_control_characters_does_nothing_to_a_terminal(site: Site, ccops: Call, terminal: Call) -> None:
    ccops(*RUN, "--reason", "a\x1b[31m\nb [/b]")
    assert [entry.note for entry in site.entries()] == ["a\x1b[31m\nb [/b]"]
    seen = terminal("history", NO_COLOR="1")
    assert "\x1b" not in seen.out
    assert "a\\x1b[31m\\nb [/b]" in seen.out


def test_an_empty_reason_is_none(site: Site, ccops: Call) -> None:
    ccops(*RUN, "--reason", "  ")
    assert [entry.note for entry in site.entries()] == [None]


def test_what_comes_from_kit_does_nothing_to_a_terminal(site: Site, terminal: Call) -> None:
    eve = site.kit.add_contact("eve\x1b[31m[/b]@example.org", credits="\x1b]0;owned\x07[/b]")
    site.kit.add_contact("\u202eeve@example.org", credits="1")
    seen = terminal("run", "payment-credit", str(eve), NO_COLOR="1")
    assert (seen.status, "\x1b" in seen.out, "\x07" in seen.out) == (1, False, False)
    assert [" ".join(line.split()) for line in seen.out.splitlines()] == [
        "eve\\x1b[31m[/b]@example.org",
        'refused: credits is "\\x1b]0;owned\\x07[/b]", not a number e1',
    ]


def test_a_tag_of_escapes_and_markup_does_nothing_to_a_terminal(site: Site, terminal: Call, ccops: Call) -> None:
    tag = '\ntag = { id = 7, name = "\\u001b[31m[/b]" }\n'
    text = OPERATIONS.replace("[operations.monthly-grant]", f"{tag}\n[operations.monthly-grant]")
    site.registry.write_text(text)
    ended = ccops(*RUN)
    site.registry.write_text(text.replace("[operations.payment-credit]", "[operations.credit]"))
    renamed = terminal("run", "credit", ANN, NO_COLOR="1")
    assert (ended.status, renamed.status, "\x1b" in renamed.out) == (0, 2, False), ended.err
    assert 'the tag "\\x1b[31m[/b]" is bound to "credit"' in " ".join(renamed.out.split())
    assert site.sent == 1


REGISTRY_MISTAKES = """
[operations.one]
field = "credits"
action = "incraese"
amount = 1

[operations.two]
field = "credits"
action = "increase"
amount = "ten"
minimun = 3
"""


@pytest.mark.parametrize("command", [RUN, ("adjust", ANN, "credits", "--add", "1"), ("run", "two", ANN, "--dry-run")])
def test_all_mistakes_of_the_registry_are_told_at_once(site: Site, ccops: Call, command: tuple[str, ...]) -> None:
    first = OPERATIONS.count("\n") + 1
    site.registry.write_text(OPERATIONS + REGISTRY_MISTAKES)
    error = (
        f'operations.toml:{first + 3} one: "incraese" is not an action; did you mean "increase"?\n'
        f'operations.toml:{first + 9} two: "amount" must be a number without quotes, not "ten"\n'
        f'operations.toml:{first + 10} two: "minimun" is not a key; did you mean "minimum"?\n'
        f"Correct {site.registry} and give the same command again."
    )
    assert ccops(*command) == Ended(2, "", told(error))
    assert (site.sent, site.entries()) == (0, [])


def test_all_mistakes_of_the_settings_are_told_at_once_and_no_value_is_shown(site: Site, ccops: Call) -> None:
    (site.home / "config.toml").write_text(f'api_kye = "{KEY}"\nrate = "fast"\nsandbox = 1\n{KEY} = 1\n')
    told_all = ccops(*RUN)
    assert told_all.status == 2
    assert told_all.err.startswith('error: config.toml:1: "api_kye" is not a setting; did you mean "api_key"?\n')
    assert 'config.toml:2: "rate" must be a whole number, 0 or more\n' in told_all.err
    assert 'config.toml:3: "sandbox" must be true or false\n' in told_all.err
    assert "config.toml:4: this key is no setting; they are api_key, " in told_all.err
    assert KEY not in told_all.err
    (site.home / "config.toml").write_text("api_key =\n")
    error = (
        'config.toml:1: this is not TOML; a line is key = value, and a text stands in quotes: key = "text"\n'
        f"Correct {site.home}/config.toml and give the same command again."
    )
    assert ccops(*RUN) == Ended(2, "", told(error))
    assert site.sent == 0


def test_all_mistakes_of_the_environment_are_told_at_once(site: Site, ccops: Call) -> None:
    error = (
        "the environment: CCOPS_RATE must be a whole number, 0 or more\n"
        "the environment: CCOPS_SETTLE_AFTER must be a number of seconds, from 0 to 86400\n"
        "Correct the environment and give the same command again."
    )
    assert ccops(*RUN, CCOPS_RATE="fast", CCOPS_SETTLE_AFTER="-1") == Ended(2, "", told(error))
    assert site.sent == 0


@pytest.mark.parametrize(
    "words",
    [
        ("history", "e99"),
        ("history", "--op", "zzz"),
        ("balance", "nobody"),
        ("why", ANN, "zzz"),
        ("report", "--html", "/"),
        ("op", "show", "zzz"),
        ("schedule", "zzz", "--poll"),
        ("reconcile", "zzz"),
    ],
)
@pytest.mark.usefixtures("site")
def test_who_only_looks_is_not_told_that_nothing_was_sent(ccops: Call, words: tuple[str, ...]) -> None:
    ended = ccops(*words)
    assert ended.status in {1, 2}
    assert "othing was sent" not in ended.out + ended.err


def test_the_doctor_does_not_say_it_either(site: Site, ccops: Call) -> None:
    site.database.write_bytes(b"no ledger" * 1000)
    examined = ccops("doctor")
    assert (examined.status, "is damaged" in examined.out, "othing was sent" in examined.out) == (1, True, False)
