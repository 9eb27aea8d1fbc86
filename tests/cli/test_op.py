"""`ccops op …` without Kit: what is asked for stands in the registry, and nothing else is touched."""

import json
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calls import Ended

Call = Callable[..., Ended]
GRANT = ("op", "add", "monthly-grant", "--field", "credits", "--increase", "10")


def saved(home: Path) -> dict[str, Any]:
    data = tomllib.loads((home / "operations.toml").read_text(), parse_float=Decimal)
    return dict(data.get("operations", {}))


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--increase", "10"], {"action": "increase", "amount": 10}),
        (["--decrease", "0.50"], {"action": "decrease", "amount": Decimal("0.50")}),
        (["--multiply", "1.5"], {"action": "multiply", "amount": Decimal("1.5")}),
        (["--top-up", "20"], {"action": "top-up", "amount": 20}),
        (["--set", "40"], {"action": "set", "amount": 40}),
        (["--set", "-3.50"], {"action": "set", "amount": Decimal("-3.50")}),
        (["--set", "gold"], {"action": "set", "value": "gold"}),
        (["--set", "007"], {"action": "set", "value": "007"}),
        (["--set", ""], {"action": "set", "value": ""}),
        (["--append", ", vip"], {"action": "append", "value": ", vip"}),
        (["--copy-from", "bonus"], {"action": "copy", "from": "bonus"}),
        (["--add-days", "-30"], {"action": "add-days", "amount": -30}),
        (["--stamp"], {"action": "stamp"}),
        (["--formula", "credits * 2 + bonus"], {"action": "formula", "formula": "credits * 2 + bonus"}),
    ],
)
def test_every_action_can_be_added(ccops: Call, home: Path, options: list[str], keys: dict[str, Any]) -> None:
    assert ccops("op", "add", "x", "--field", "credits", *options).status == 0
    assert saved(home) == {"x": {"field": "credits", **keys}}


def test_every_key_of_the_registry_has_its_option(ccops: Call, home: Path) -> None:
    options = (
        "--description=For cron --minimum=-5 --maximum=120 --beyond=clamp --blank=1 --decimals=2 --once-per=month "
        "--state=active --state=cancelled --after-run=keep-tag --tag-if-applied=a --tag-if-applied=b "
        "--tag-if-refused=c --amount-from-post --repeat-window=2h --post-contact=data.email --post-occasion=id "
        "--post-decimal=,"
    ).replace("For cron", "For_cron")
    assert ccops(*GRANT, *options.split()).status == 0
    assert saved(home)["monthly-grant"] == {
        "description": "For_cron",
        "field": "credits",
        "action": "increase",
        "amount": 10,
        "minimum": -5,
        "maximum": 120,
        "beyond": "clamp",
        "blank": 1,
        "decimals": 2,
        "once_per": "month",
        "states": ["active", "cancelled"],
        "after_run": "keep-tag",
        "tags_if_applied": ["a", "b"],
        "tags_if_refused": ["c"],
        "amount_from_post": True,
        "repeat_window": "2h",
        "post": {"contact": "data.email", "occasion": "id", "decimal": ","},
    }


def test_several_changes_are_given_one_by_one(ccops: Call, home: Path) -> None:
    assert ccops("op", "add", "x", "--change", "credits decrease 3", "--change", "opened_on  stamp").status == 0
    assert saved(home)["x"] == {
        "changes": [
            {"field": "credits", "action": "decrease", "amount": 3},
            {"field": "opened_on", "action": "stamp"},
        ]
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--increase", "3"], "--field is missing."),
        (["--field", "credits"], "a change, such as --increase 10, is missing."),
        (["--description", "x"], "--field is missing."),
        (
            ["--field", "a", "--increase", "3", "--set", "4"],
            "--increase and --set can't both be the change of one field.",
        ),
        (["--change", "credits"], '--change "credits": it needs a field and an action.'),
        (["--change", "credits dcrease 3"], '"dcrease" is no action (did you mean "decrease"?).'),
        (["--change", "credits decrease"], '"decrease" takes a value.'),
        (["--change", "opened_on stamp now"], '"stamp" takes no value.'),
        (["--change", "credits decrease few"], '"few" is not a number.'),
        (["--change", "credits restore 3"], '"restore" is no action'),
        (["--field", "a", "--increase", "0"], "x can't be like this."),
        (["--field", "a", "--stamp", "--maximum", "3"], '"maximum" means nothing for "stamp"'),
        (["--field", "a", "--stamp", "--state", "activ"], 'did you mean "active"?'),
        (["--field", "a", "--increase", "3", "--beyond", "clamp"], '"clamp" needs'),
        (["--field", "Member credits", "--increase", "3"], 'did you mean "member_credits"?'),
    ],
)
def test_what_can_not_work_is_refused_and_changes_nothing(
    ccops: Call, home: Path, options: list[str], told: str
) -> None:
    before = (home / "operations.toml").read_bytes()
    refused = ccops("op", "add", "x", *options)
    assert (refused.status, refused.out) == (2, "")
    assert told in refused.err
    assert "operations.toml" not in refused.err
    assert (home / "operations.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("given", "turned"),
    [
        (["--field", "credits", "--increase", "-5"], "--field credits --decrease 5"),
        (
            ["--field", "credits", "--increase=-5", "--once-per", "month"],
            "--field credits --decrease 5 --once-per month",
        ),
        (["--field", "credits", "--decrease", "-2.50"], "--field credits --increase 2.50"),
    ],
)
def test_an_amount_below_0_gets_the_command_that_does_the_opposite(
    ccops: Call, home: Path, given: list[str], turned: str
) -> None:
    for verb, name in (("add", "x"), ("edit", "monthly-grant")):
        ccops(*GRANT)
        refused = ccops("op", verb, name, *given)
        assert (refused.status, refused.out) == (2, "")
        assert "give a number above 0. Nothing was changed. To do the opposite:" in refused.err
        assert refused.err.endswith(f"\n       ccops op {verb} {name} {turned}\n")
    assert list(saved(home)) == ["monthly-grant"]


def test_mistakes_that_the_file_had_before_are_told_with_their_lines(ccops: Call, home: Path) -> None:
    with (home / "operations.toml").open("a") as file:
        file.write('[operations.old]\nfield = "a"\naction = "incraese"\n')
    told = ccops(*GRANT)
    assert told.status == 2
    assert told.err.startswith("error: operations.toml:5 old:")


@pytest.mark.usefixtures("home")
def test_a_name_is_given_once(ccops: Call) -> None:
    ccops(*GRANT)
    again = ccops(*GRANT)
    assert again == Ended(
        2,
        "",
        'error: an operation is called "monthly-grant" already. Nothing was changed. To change it:\n'
        "       ccops op edit monthly-grant\n",
    )


@pytest.mark.usefixtures("home")
def test_without_options_and_terminal_the_options_are_named(ccops: Call) -> None:
    told = ccops("op", "add")
    assert told.status == 2
    assert "Give OPERATION, --field and a change, such as --increase 10." in told.err


def test_without_a_home_init_is_named(ccops: Call) -> None:
    told = ccops("op", "list")
    assert told.status == 2
    assert "\n       ccops init\n" in told.err


@pytest.mark.usefixtures("home")
def test_the_list_says_what_each_operation_does(ccops: Call) -> None:
    ccops(*GRANT, "--maximum", "120", "--beyond", "clamp", "--once-per", "month")
    ccops("op", "add", "x", "--field", "a", "--stamp")
    ccops("op", "pause", "x")
    assert ccops("op", "list").out == (
        "monthly-grant\tcredits +10, at most 120 (stops there), once a month\t-\tready\nx\ta = today\t-\tpaused\n"
    )
    rows = [json.loads(line) for line in ccops("op", "list", "--json").out.splitlines()]
    assert [row["operation"] for row in rows] == ["monthly-grant", "x"]


@pytest.mark.usefixtures("home")
def test_the_object_of_an_operation_has_these_keys(ccops: Call) -> None:
    ccops(*GRANT, "--maximum", "120", "--once-per", "month")
    row = json.loads(ccops("op", "show", "monthly-grant", "--value", "95", "--json").out)
    assert row == {
        "operation": "monthly-grant",
        "description": "",
        "does": "credits +10, at most 120, once a month",
        "changes": [
            {
                "field": "credits",
                "action": "increase",
                "amount": "10",
                "value": None,
                "from": None,
                "formula": None,
                "minimum": None,
                "maximum": "120",
                "beyond": "refuse",
                "blank": "0",
                "decimals": None,
            }
        ],
        "once_per": "month",
        "timezone": "America/New_York",
        "tag": None,
        "after_run": "remove-tag",
        "states": ["active", "inactive", "bounced", "complained", "cancelled"],
        "tags_if_applied": [],
        "tags_if_refused": [],
        "post": {"contact": None, "occasion": None, "decimal": None},
        "amount_from_post": False,
        "repeat_window": 600,
        "paused": False,
        "preview": {"status": "previewed", "before": {"credits": "95"}, "after": {"credits": "105"}, "reason": None},
    }


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("95", "credits 95 → 105"),
        ("", "credits (empty) → 10"),
        ("credits=95", "credits 95 → 105"),
        ("115", "refused: credits would be 125, above the maximum of 120"),
        ("abc", 'refused: credits is "abc", not a number'),
        ("a\x1b[2J", 'refused: credits is "a\\x1b[2J", not a number'),
    ],
)
@pytest.mark.usefixtures("home")
def test_show_previews_a_value(ccops: Call, value: str, told: str) -> None:
    ccops(*GRANT, "--maximum", "120")
    shown = ccops("op", "show", "monthly-grant", "--value", value)
    assert (shown.status, shown.out.splitlines()[-1].strip()) == (0, f"would be   {told}")


@pytest.mark.usefixtures("home")
def test_show_previews_values_of_several_fields(ccops: Call) -> None:
    ccops("op", "add", "x", "--field", "credits", "--formula", "credits + bonus")
    shown = ccops("op", "show", "x", "--value", "credits=5", "--value", "bonus=2")
    assert shown.out.splitlines()[-1] == "  would be   credits 5 → 7"
    unknown = ccops("op", "show", "x", "--value", "kredits=5")
    assert (unknown.status, unknown.out) == (2, "")
    assert "names none of the fields that x reads: credits, bonus." in unknown.err


@pytest.mark.usefixtures("home")
def test_the_nearest_operation_is_proposed_as_a_whole_command(ccops: Call) -> None:
    ccops(*GRANT)
    assert ccops("op", "show", "montly-grant", "--value", "5").err == (
        'error: no operation is called "montly-grant". Did you mean:\n       ccops op show monthly-grant --value 5\n'
    )


@pytest.mark.parametrize(
    ("options", "changed", "gone"),
    [
        (["--increase", "20"], {"amount": 20}, ()),
        (["--decrease", "20"], {"action": "decrease", "amount": 20}, ()),
        (["--set", "5"], {"action": "set", "amount": 5}, ()),
        (["--field", "points"], {"field": "points"}, ()),
        (["--without", "maximum", "--without", "--once-per"], {}, ("maximum", "once_per")),
        (["--maximum", "200", "--description", ""], {"maximum": 200, "description": ""}, ()),
        (["--post-occasion", "id"], {"post": {"contact": "email", "occasion": "id"}}, ()),
        (["--post-contact", "Work Email"], {"post": {"contact": "Work Email"}}, ()),
        (["--post-decimal", ","], {"post": {"contact": "email", "decimal": ","}}, ()),
        (["--own-amount"], {"amount_from_post": False}, ()),
        (
            ["--change", "a stamp", "--change", "b increase 2"],
            {"changes": [{"field": "a", "action": "stamp"}, {"field": "b", "action": "increase", "amount": 2}]},
            ("field", "action", "amount"),
        ),
        (["--change", "points increase 2"], {"field": "points", "amount": 2}, ()),
    ],
)
def test_edit_changes_what_was_asked_for_and_nothing_else(
    ccops: Call, home: Path, options: list[str], changed: dict[str, Any], gone: tuple[str, ...]
) -> None:
    ccops(*GRANT, "--maximum", "120", "--once-per", "month", "--post-contact", "email")
    before = saved(home)["monthly-grant"]
    assert ccops("op", "edit", "monthly-grant", *options).status == 0
    assert saved(home)["monthly-grant"] == {k: v for k, v in (before | changed).items() if k not in gone}


def test_edit_keeps_the_limits_of_a_change_that_stands_in_a_list(ccops: Call, home: Path) -> None:
    with (home / "operations.toml").open("a") as file:
        file.write('[operations.x]\nchanges = [{ field = "a", action = "increase", amount = 1, maximum = 9 }]\n')
    assert ccops("op", "edit", "x", "--decrease", "2").status == 0
    assert saved(home)["x"]["changes"] == [{"field": "a", "action": "decrease", "amount": 2, "maximum": 9}]


def test_edit_takes_several_changes_anew(ccops: Call, home: Path) -> None:
    ccops("op", "add", "x", "--change", "a stamp", "--change", "b stamp")
    refused = ccops("op", "edit", "x", "--increase", "2")
    assert (refused.status, refused.out) == (2, "")
    assert "--change, once for each change of this operation, is missing" in refused.err
    assert ccops("op", "edit", "x", "--change", "c increase 2").status == 0
    assert saved(home)["x"] == {"field": "c", "action": "increase", "amount": 2}


def test_edit_refuses_what_can_not_work(ccops: Call, home: Path) -> None:
    ccops(*GRANT, "--maximum", "120")
    before = (home / "operations.toml").read_bytes()
    for options in (["--minimum", "200"], ["--without", "maximun"], ["--without", "field"], ["--set", "gold"]):
        refused = ccops("op", "edit", "monthly-grant", *options)
        assert (refused.status, refused.out) == (2, ""), options
    assert (home / "operations.toml").read_bytes() == before


@pytest.mark.usefixtures("home")
def test_edit_without_options_needs_a_terminal(ccops: Call) -> None:
    ccops(*GRANT)
    told = ccops("op", "edit", "monthly-grant", EDITOR="true")
    assert (told.status, told.out) == (2, "")
    assert "Give an option, such as --increase 20." in told.err


def test_pause_and_resume_leave_no_trace(ccops: Call, home: Path) -> None:
    ccops(*GRANT)
    before = (home / "operations.toml").read_bytes()
    assert ccops("op", "pause", "monthly-grant").status == 0
    assert saved(home)["monthly-grant"]["paused"] is True
    assert ccops("op", "pause", "monthly-grant").out == "monthly-grant is paused already.\n"
    assert ccops("op", "resume", "monthly-grant").status == 0
    assert ccops("op", "resume", "monthly-grant").out == "monthly-grant is not paused.\n"
    assert (home / "operations.toml").read_bytes() == before


def test_remove_asks_first_and_leaves_the_rest_alone(ccops: Call, home: Path) -> None:
    before = (home / "operations.toml").read_bytes()
    ccops(*GRANT)
    assert ccops("op", "remove", "monthly-grant").status == 2
    assert ccops("op", "remove", "monthly-grant", "--yes").status == 0
    assert (home / "operations.toml").read_bytes() == before


def test_remove_is_refused_while_the_tag_lives(ccops: Call, home: Path) -> None:
    with (home / "operations.toml").open("a") as file:
        file.write('[operations.x]\nfield = "a"\naction = "stamp"\ntag = { id = 7, name = "ccops: x" }\n')
    refused = ccops("op", "remove", "x", "--yes")
    assert refused.status == 2
    assert refused.err.endswith("\n       ccops op remove x --with-tag\n")
    assert ccops("op", "remove", "x", "--yes", "--with-tag").status == 0
    assert saved(home) == {}


def test_comments_of_the_owner_stay(ccops: Call, home: Path) -> None:
    ccops(*GRANT)
    ccops("op", "edit", "monthly-grant", "--increase", "20")
    assert (home / "operations.toml").read_text().startswith("# My site\n")
