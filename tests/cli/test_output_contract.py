"""What scripts and people see of changes: objects and lines as CLI.md has them, for a pipe and for a terminal."""

import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from ccops.sandbox.faults import Fault
from tests.cli.calls import Ended
from tests.cli.sites import RECEIPT, Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]

ANN, BOB, CY, HAL = (f"{name}@example.org" for name in ("ann", "bob", "cy", "hal"))
RUN = ("run", "payment-credit", ANN)
GRANT = ("run", "monthly-grant")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KEYS = [
    "entry", "run", "operation", "contact", "occasion", "status", "before", "after", "reason", "note", "by", "via",
    "undoes", "at",
]  # fmt: skip
NO_NUMBER = 'credits is "abc", not a number'


def rows(ended: Ended) -> list[dict[str, Any]]:
    """Read JSON Lines, and hold each object to its keys and their order; its moment is checked and taken out."""
    read = [json.loads(line) for line in ended.out.splitlines()]
    assert all(list(row) == KEYS and ISO.fullmatch(row.pop("at")) for row in read)
    return read


def row(contact: int | None, email: str, **more: object) -> dict[str, Any]:
    """Return the object of an applied change, with what is different in it."""
    return {
        "entry": "e1",
        "run": "r1",
        "operation": "payment-credit",
        "contact": {"id": contact, "email": email},
        "occasion": "run:1",
        "status": "applied",
        "before": {"credits": "5"},
        "after": {"credits": "15"},
        "reason": None,
        "note": None,
        "by": "maria",
        "via": "run",
        "undoes": None,
    } | more


@pytest.fixture(autouse=True)
def actor(environ: dict[str, str]) -> None:
    environ["CCOPS_ACTOR"] = "maria"


def test_the_object_of_a_change_and_of_its_repetition(site: Site, ccops: Call) -> None:
    words = (*RUN, "--json", "--key", "invoice-7", "--reason", "paid twice")
    first = row(site.ann, ANN, occasion="key:invoice-7", note="paid twice")
    applied = ccops(*words)
    assert (applied.status, applied.err, rows(applied)) == (0, "", [first])
    assert rows(ccops(*words)) == [first | {"status": "repeated"}]


def test_the_object_of_a_change_that_stopped_at_a_limit(site: Site, ccops: Call) -> None:
    gus = site.kit.contact_id("gus@example.org")
    (made,) = rows(ccops(*GRANT, str(gus), "--json", "--period", "2026-11"))
    assert made == row(
        gus,
        "gus@example.org",
        operation="monthly-grant",
        occasion="month:2026-11",
        before={"credits": "118"},
        after={"credits": "120"},
        reason="stopped at the maximum of 120",
    )


def test_the_object_of_an_adjustment_and_of_its_undo(site: Site, ccops: Call) -> None:
    adjusted = row(site.ann, ANN, operation="adjust", occasion="adjust:credits:run:1", via="adjust")
    assert rows(ccops("adjust", ANN, "Credits", "--add", "10", "--json")) == [adjusted]
    undone = row(
        site.ann,
        ANN,
        entry="e2",
        run="r2",
        operation="adjust",
        occasion="undo:1",
        before={"credits": "15"},
        after={"credits": "5"},
        note="by mistake",
        via="undo",
        undoes="e1",
    )
    assert rows(ccops("undo", "e1", "--json", "--reason", "by mistake")) == [undone]


def test_the_object_of_a_refusal(site: Site, ccops: Call) -> None:
    cy = site.kit.contact_id(CY)
    refused = row(cy, CY, status="refused", before=None, after=None, reason=NO_NUMBER)
    ended = ccops("run", "payment-credit", CY, "--json")
    assert (ended.status, rows(ended)) == (1, [refused])


def test_the_objects_of_failures(site: Site, ccops: Call) -> None:
    ended = ccops("run", "payment-credit", "nobody@example.org", "77", "--json")
    reason = "no such contact in Kit"
    nobody = row(None, "nobody@example.org", entry=None, status="failed", before=None, after=None, reason=reason)
    unknown = nobody | {"entry": "e1", "contact": {"id": 77, "email": None}}
    assert (ended.status, rows(ended)) == (1, [nobody, unknown])
    assert site.sent == 0


def test_the_object_of_what_needs_a_person_and_of_their_word(site: Site, ccops: Call) -> None:
    site.kit.set_field(site.ann, RECEIPT, "my notes")
    reason = "its receipt field holds a text that is no receipt"
    parked = row(site.ann, ANN, status="parked", before=None, after=None, reason=reason)
    ended = ccops(*RUN, "--json")
    assert (ended.status, rows(ended), ended.err) == (1, [parked], "warning: e1 needs you: ccops settle\n")
    listed = ccops("settle", "--json")
    (needing,) = [json.loads(line) for line in listed.out.splitlines()]
    assert (listed.status, list(needing)) == (1, [*KEYS, "kit", "choices"])
    kit, choices, _ = needing.pop("kit"), needing.pop("choices"), needing.pop("at")
    assert needing == parked
    assert kit == {"fields": {"credits": "5"}, "receipt": "my notes"}
    assert [(list(choice), choice["command"]) for choice in choices] == [
        (["command", "effect"], "ccops settle e1 --as not-applied")
    ]
    word = ccops("settle", "e1", "--as", "not-applied", "--json")
    said = parked | {"status": "failed", "reason": "maria said that it was not applied"}
    assert (word.status, rows(word)) == (0, [said])


def test_the_object_of_a_change_whose_outcome_is_not_known(site: Site, ccops: Call) -> None:
    site.kit.faults.add(Fault("reset", "PUT", times=None))
    ended = ccops(*RUN, "--json", CCOPS_SETTLE_AFTER="0.1")
    assert (ended.status, rows(ended)) == (4, [row(site.ann, ANN, status="open")])
    assert ended.err.splitlines()[-1] == (
        "warning: Kit did not answer; the same command later goes on, nothing is lost."
    )


def test_the_object_of_a_preview(site: Site, ccops: Call) -> None:
    before = site.database.read_bytes()
    ended = ccops(*RUN, "--json", "--dry-run", "--reason", "look")
    previewed = row(site.ann, ANN, entry=None, run=None, status="previewed", note="look")
    assert (ended.status, rows(ended), ended.err) == (0, [previewed], "Dry run: nothing was changed.\n")
    assert (site.sent, site.database.read_bytes() == before) == (0, True)


@pytest.mark.usefixtures("site")
def test_several_fields_are_in_one_object(ccops: Call) -> None:
    (made,) = rows(ccops("run", "unlock-replay", ANN, "--json"))
    assert (made["before"], made["after"].keys()) == (
        {"credits": "5", "replay_opened_on": None},
        {"credits", "replay_opened_on"},
    )


def test_a_pipe_gets_plain_lines_with_nothing_cut_and_iso_times(site: Site, ccops: Call) -> None:
    long = f"{'a' * 60}@{'b' * 60}.example.org"
    site.kit.add_contact(long, credits="1")
    words = (*GRANT, ANN, long, CY)
    first = ccops(*words)
    assert (first.status, first.out.splitlines()) == (
        1,
        [f"{ANN}\tcredits 5 → 15\te1", f"{long}\tcredits 1 → 11\te2", f"{CY}\trefused: {NO_NUMBER}\te3"],
    )
    again = ccops(*words)
    times = ISO.findall(again.out)
    assert ISO.sub("NOW", again.out).splitlines() == [
        f"{ANN}\talready done, NOW: credits 5 → 15\te1",
        f"{long}\talready done, NOW: credits 1 → 11\te2",
        f"{CY}\trefused: {NO_NUMBER}\te3",
    ]
    assert len(times) == 2


def test_several_contacts_are_summed_up_beside_what_a_pipe_gets(site: Site, ccops: Call) -> None:
    ccops(*GRANT, BOB)
    ended = ccops(*GRANT, ANN, BOB, CY, HAL, "nobody@example.org", "--period", "")
    assert ended.status == 2
    ended = ccops(*GRANT, ANN, BOB, CY, HAL, "nobody@example.org")
    assert re.fullmatch(
        r"monthly-grant, [A-Z][a-z]+ \d{4}, run r2(, \d s)?\n"
        r"    2 applied        credits \+20\n"
        rf"    1 already done   {ISO.pattern}, run r1\n"
        rf"    1 refused        {CY}: {re.escape(NO_NUMBER)}\n"
        r"    1 failed         nobody@example\.org: no such contact in Kit\n"
        r"Check the spelling of nobody@example\.org, or look the person up in Kit: .*\n",
        ended.err,
    )
    assert ccops(*GRANT, ANN, BOB, "--json").err == ""
    assert site.sent == 3


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_quiet_prints_only_what_needs_a_person(site: Site, ccops: Call, how: tuple[str, ...]) -> None:
    ended = ccops(*GRANT, ANN, CY, BOB, "--quiet", *how)
    assert (ended.status, len(ended.out.splitlines()), CY in ended.out, ended.err) == (1, 1, True, "")
    again = ccops(*GRANT, ANN, CY, BOB, "--quiet", "--refused-ok", *how)
    assert again == Ended(0, "", "")
    assert site.sent == 2


def test_a_refusal_may_be_all_right_but_a_failure_is_not(ccops: Call, site: Site) -> None:
    assert ccops("run", "payment-credit", CY, "--refused-ok").status == 0
    assert ccops("run", "payment-credit", CY, "nobody@example.org", "--refused-ok").status == 1
    assert site.sent == 0


def lose_the_key(site: Site) -> None:
    site.kit.on_request = lambda phase, method, _: setattr(
        site.kit.settings, "key", "another" if (phase, method) == ("after", "PUT") else site.kit.settings.key
    )


def lose_a_field(site: Site) -> None:
    text = site.registry.read_text()
    site.registry.write_text(text.replace('field = "plan"', 'field = "plans"'))


MIXTURES: dict[str, tuple[Callable[[Site], None], str, int]] = {
    "a refusal": (lambda _: None, "payment-credit", 1),
    "a wrong field": (lose_a_field, "mark", 2),
    "a key refused midway": (lose_the_key, "payment-credit", 3),
    "lost answers": (lambda site: site.kit.faults.add(Fault("reset", "PUT", times=None)), "payment-credit", 4),
    "another ledger": (
        lambda site: site.kit.set_field(site.kit.contact_id(HAL), RECEIPT, "someones7.12"),
        "payment-credit",
        5,
    ),
}


@pytest.mark.parametrize("trouble", MIXTURES)
def test_the_worst_of_several_troubles_gives_the_exit_status(site: Site, ccops: Call, trouble: str) -> None:
    make, operation, status = MIXTURES[trouble]
    make(site)
    ended = ccops("run", operation, CY, ANN, HAL, "nobody@example.org", CCOPS_SETTLE_AFTER="0.05")
    assert ended.status == status


def test_a_terminal_gets_the_line_of_the_first_picture(site: Site, terminal: Call) -> None:
    count_from(site, 4711)
    shown = terminal(*RUN, NO_COLOR="1")
    assert (shown.status, shown.out.splitlines()) == (
        0,
        [
            "ann@example.org   credits 5 → 15                                           e4711",
            'Take it back: ccops undo e4711 --reason "…"',
        ],
    )
    coloured = terminal(*RUN, "--yes", NO_COLOR="")
    assert coloured.out.splitlines()[0].startswith("ann@example.org   \x1b[32mcredits 15 → 25\x1b[0m   ")
    assert "\x1b" not in terminal(*RUN, "--yes", NO_COLOR="", TERM="dumb").out


@pytest.mark.usefixtures("site")
def test_several_contacts_stand_in_columns_and_are_summed_up(terminal: Call, ccops: Call) -> None:
    ccops(*GRANT, BOB, "--period", "2026-11")
    shown = terminal(*GRANT, ANN, BOB, CY, HAL, "--period", "2026-11", NO_COLOR="1")
    lines = [
        re.sub(r", \d+ s$", "", re.sub(r"\d+ \w{3} \d\d:\d\d", "1 Nov 06:00", line)) for line in shown.out.split("\n")
    ]
    assert lines == [
        "ann@example.org   credits 5 → 15                                              e2",
        "bob@example.org   already done, 1 Nov 06:00: credits 12 → 22" + lines[1][60:],
        'cy@example.org    refused: credits is "abc", not a number                     e3',
        "hal@example.org   credits 0 → 10                                              e4",
        "",
        "monthly-grant, November 2026, run r2",
        "    2 applied        credits +20",
        "    1 already done   1 Nov 06:00, run r1",
        '    1 refused        cy@example.org: credits is "abc", not a number',
        'The same command again is safe. Take all back: ccops undo --run r2 --reason "…"',
        "",
    ]
    assert lines[1].endswith("e1")


def test_how_to_take_it_back_is_said_on_a_terminals_stderr_only(site: Site, environ: dict[str, str]) -> None:
    out, err = with_terminal_on_stderr(environ, RUN)
    assert (out, err) == (f"{ANN}\tcredits 5 → 15\te1\n", 'Take it back: ccops undo e1 --reason "…"\n')
    out, err = with_terminal_on_stderr(environ, (*RUN, "--json"))
    assert (len(out.splitlines()), err) == (1, "")
    assert with_terminal_on_stderr(environ, (*RUN, "--quiet")) == ("", "")
    assert site.sent == 3


def with_terminal_on_stderr(environ: dict[str, str], words: Sequence[str]) -> tuple[str, str]:
    main, side = os.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "ccops", *words],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=side,
        text=True,
    )
    os.close(side)
    out, _ = child.communicate(timeout=60)
    err = b""
    with suppress(OSError):  # how Linux says that the last writer is gone
        while select.select([main], [], [], 30)[0]:
            err += os.read(main, 4096)
    os.close(main)
    return out, err.decode().replace("\r\n", "\n")


def count_from(site: Site, number: int) -> None:
    """Let the ledger's next entry have a number."""
    ledger = site.ledger(readonly=False)
    with ledger.database.write() as db:
        db.count_on("entries", number - 1)
    ledger.close()
