"""Why something happened or did not: rules in their order, each on a case made for it."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ccops.app.why.answer import Answer
from ccops.app.why.facts import Case, WhyContact
from ccops.app.why.rules import RULES, answer
from ccops.crm.base import Contact, HeldTag
from ccops.ledger.inbox import Event
from ccops.ledger.model import Entry, Run, Status
from ccops.operations.model import Change, Operation, Tag, to_json

NOW = datetime(2026, 11, 22, 19, tzinfo=UTC)
THEN = datetime(2026, 11, 22, 15, tzinfo=UTC)
ZONE = "America/New_York"
TAGGED = f"tag:5@{THEN:%Y-%m-%dT%H:%M:%SZ}"

PAY = Operation("pay", (Change("credits", "increase", amount=Decimal(10)),), ZONE, tag=Tag(5, "pay now"))
GRANT = Operation("grant", (Change("credits", "increase", amount=Decimal(10)),), ZONE, once_per="month")
SPEND = Operation("spend", (Change("credits", "decrease", amount=Decimal(3), minimum=Decimal(0)),), ZONE)
ANN = Contact(7, "ann@example.org", "active", {"credits": "5"})
PERSON = WhyContact("ann@example.org", 7, "ann@example.org", ANN, ())
HOLDS = replace(PERSON, tags=(HeldTag(5, "pay now", THEN),))
RUN = Run(31, "", "run grant for 412 contacts", "maria", THEN, THEN, 0)


def entry(number: int = 1, status: str = "applied", operation: Operation = PAY, **more: Any) -> Entry:
    parts: dict[str, Any] = dict.fromkeys(part.name for part in fields(Entry))
    parts |= {
        "id": number,
        "run": 31,
        "operation": operation.name,
        "copy": to_json(operation),
        "contact": 7,
        "occasion": f"key:{number}",
        "status": Status(status),
        "by": "maria",
        "via": "run",
        "before": {"credits": "5"},
        "after": {"credits": "15"},
        "at": THEN,
        "released": True,
    }
    return Entry(**parts | more)


def event(state: str, kind: str = "post", reason: str | None = None) -> Event:
    parts: dict[str, Any] = dict.fromkeys(part.name for part in fields(Event))
    parts |= {"id": 1, "kind": kind, "operation": "pay", "who": "7", "at": THEN, "received_at": THEN, "reason": reason}
    return Event(**parts | {"state": state})


def case(operation: Operation = PAY, *entries: Entry, person: WhyContact = PERSON, **more: Any) -> Case:
    period = None if operation.once_per is None else "month:2026-11"
    return Case(person, operation.name, operation, ZONE, NOW, entries, **{"period": period} | more)


def told(found: Answer) -> tuple[str, str, tuple[str, ...]]:
    return found.kind, found.why, found.mend


def test_what_was_done_is_told_with_the_way_back() -> None:
    assert told(answer(case(PAY, entry()))) == (
        "applied",
        "It was done: e1 (22 Nov 10:00, for key 1, credits 5 → 15), by maria via run.",
        ("ccops undo e1 --reason 'given by mistake'",),
    )


def test_a_limit_that_took_a_part_leads_to_the_operation() -> None:
    found = answer(case(PAY, entry(reason="stopped at the maximum of 12")))
    assert (found.why.count("(stopped at the maximum of 12)"), found.mend) == (1, ("ccops op show pay",))


@pytest.mark.parametrize(("apart", "kind"), [(timedelta(hours=3), "twice"), (timedelta(days=3), "applied")])
def test_two_occasions_close_together_may_be_one(apart: timedelta, kind: str) -> None:
    assert answer(case(PAY, entry(2), entry(1, at=THEN - apart))).kind == kind


def test_two_occasions_of_two_amounts_are_not_taken_for_one() -> None:
    """Taking one of them back by a proposal would take what is right."""
    gift = replace(PAY, changes=(replace(PAY.changes[0], amount=Decimal(20)),))
    assert answer(case(PAY, entry(2), entry(1, operation=gift, at=THEN - timedelta(hours=1)))).kind == "applied"
    assert answer(case(PAY, entry(2, asked="3"), entry(1, asked="4", at=THEN - timedelta(hours=1)))).kind == "applied"


def test_an_amount_that_a_post_named_is_no_other_than_it_should_be() -> None:
    named = replace(PAY, changes=(replace(PAY.changes[0], amount=Decimal(3)),))
    found = answer(case(PAY, entry(operation=named, asked="3", via="post", occasion="post:o9")))
    assert (found.kind, found.mend) == ("applied", ("ccops undo e1 --reason 'given by mistake'",))


def test_an_edited_operation_is_another_amount_and_edited_limits_are_not() -> None:
    more = replace(PAY, changes=(replace(PAY.changes[0], amount=Decimal(20)),))
    found = answer(case(more, entry()))
    assert found.mend == ("ccops undo e1 --reopen --reason 'wrong amount'", "ccops run pay ann@example.org --key 1")
    limited = replace(PAY, changes=(replace(PAY.changes[0], maximum=Decimal(99)),))
    assert answer(case(limited, entry())).kind == "applied"


def test_what_came_back_counts_and_not_the_newer_rerun() -> None:
    """e1 was undone and reopened, e3 ran for its occasion and was undone likewise, then e1 was brought back."""
    undos = [entry(6, undoes=2), entry(5, undoes=3), entry(2, "undone", undoes=1, undone_by=6, reopened=True)]
    rerun: dict[str, Any] = {"undone_by": 5, "reopened": True}
    paid = answer(case(PAY, *undos[:2], entry(3, "undone", occasion="key:1", **rerun), undos[2], entry(1)))
    assert (paid.kind, paid.entry and paid.entry.id) == ("applied", 1)
    month = {"occasion": "month:2026-11", "period": "month:2026-11"}
    granted = answer(case(GRANT, entry(3, "undone", GRANT, **month, **rerun), entry(1, "applied", GRANT, **month)))
    assert (granted.kind, granted.entry and granted.entry.id) == ("applied", 1)


def test_what_was_taken_back_and_reopened_may_run_again() -> None:
    undo = entry(2, undoes=1, reopens=True, note="wrong", occasion="undo:1")
    assert told(answer(case(PAY, undo, entry(1, "undone", undone_by=2, reopened=True)))) == (
        "undone",
        'e1 (22 Nov 10:00, for key 1, credits 5 → 15) was taken back 22 Nov 10:00 by maria ("wrong"), e2.',
        ("ccops run pay ann@example.org --key 1",),
    )


@pytest.mark.parametrize(
    ("occasion", "operation", "mend"),
    [
        ("run:31", PAY, "ccops run pay ann@example.org"),
        ("key:it's 7", PAY, "ccops run pay ann@example.org --key 'it'\"'\"'s 7'"),
        (TAGGED, PAY, "ccops run pay ann@example.org"),
        ("month:2026-11", GRANT, "ccops run grant ann@example.org"),
        ("month:2026-10", PAY, "ccops run pay ann@example.org --once-per month --period 2026-10"),
    ],
)
def test_what_failed_is_tried_again_for_the_same_occasion(occasion: str, operation: Operation, mend: str) -> None:
    period = occasion if occasion.startswith("month") else None
    failed = entry(1, "failed", operation, occasion=occasion, period=period, reason="Kit refused it (422): no")
    assert (answer(case(operation, failed)).kind, answer(case(operation, failed)).mend) == ("failed", (mend,))


def test_what_is_open_comes_to_its_end_first_whatever_else_was_done() -> None:
    assert told(answer(case(PAY, entry(2, "sending"), entry(1)))) == (
        "open",
        "e2 was begun 22 Nov 10:00 and has not come to its end.",
        ("ccops settle",),
    )
    found = answer(case(PAY, blocking=entry(9, "sending", GRANT)))
    assert found.why.startswith("e9 of grant, which comes first, was begun")


@pytest.mark.parametrize(
    ("value", "mend"),
    [
        ("15", ("ccops settle e1 --as applied",)),
        ("5", ("ccops settle e1 --as not-applied", "ccops run pay ann@example.org --key 1")),
        ("7", ("ccops settle e1 --as applied", "ccops settle e1 --as not-applied")),
    ],
)
def test_the_values_in_kit_tell_how_to_settle(value: str, mend: tuple[str, ...]) -> None:
    person = replace(PERSON, contact=replace(ANN, fields={"credits": value}))
    assert answer(case(PAY, entry(1, "parked", reason="nobody can tell"), person=person)).mend == mend


def test_a_tag_that_nobody_has_looked_for_waits() -> None:
    found = answer(case(person=HOLDS))
    assert (found.kind, found.mend) == ("waiting", ("ccops poll pay",))
    assert found.why.startswith('The contact carries "pay now" since 22 Nov 10:00')
    assert answer(case(PAY, entry(occasion="tag:5@2026-11-01T00:00:00Z"), person=HOLDS)).kind == "waiting"
    assert answer(case(PAY, entry(occasion=TAGGED), person=HOLDS)).kind == "applied"


def test_a_tag_that_could_not_be_taken_off_is_settled() -> None:
    stuck = entry(occasion=TAGGED, released=False)
    assert (answer(case(PAY, stuck, person=HOLDS)).kind, answer(case(PAY, stuck)).kind) == ("tag-left", "applied")
    kept = replace(PAY, after_run="keep-tag")
    assert answer(case(kept, stuck, person=HOLDS)).kind == "applied"


def test_a_tag_on_a_contact_in_another_state_will_not_do() -> None:
    only = replace(PAY, states=frozenset({"active"}))
    person = replace(HOLDS, contact=replace(ANN, state="cancelled"))
    found = answer(case(only, person=person))
    assert (found.kind, found.lead.startswith("Take the tag off in Kit")) == ("left-out", True)


@pytest.mark.parametrize(
    ("came", "paused", "kind", "mend"),
    [
        (event("waiting"), False, "event-waiting", "ccops serve"),
        (event("waiting", "legacy"), False, "event-waiting", "ccops poll pay"),
        (event("waiting"), True, "paused", "ccops op resume pay"),
        (event("parked", "kit", "taken off"), False, "event-parked", "ccops poll pay"),
        (event("parked", reason="no such contact"), False, "event-parked", "ccops run pay ann@example.org"),
    ],
)
def test_what_came_in_from_outside_is_told(came: Event, paused: bool, kind: str, mend: str) -> None:
    found = answer(case(replace(PAY, paused=paused), events=(came,)))
    assert (found.kind, found.mend) == (kind, (mend,))


def test_what_was_done_since_outdoes_what_came_in() -> None:
    assert answer(case(PAY, entry(at=NOW), events=(event("parked"),))).kind == "applied"


def test_a_refusal_for_too_little_says_what_lacks() -> None:
    person = replace(PERSON, contact=replace(ANN, fields={"credits": "1"}))
    reason = "credits would be -2, below the minimum of 0"
    refused = entry(1, "refused", SPEND, cause="limit", reason=reason, occasion="run:31")
    assert told(answer(case(SPEND, refused, person=person))) == (
        "refused",
        "Nothing was changed: it was refused 22 Nov 10:00 (e1): credits would be -2, below the minimum of 0.",
        (
            "ccops adjust ann@example.org credits --add 2 --reason 'so that it goes through'",
            "ccops run spend ann@example.org",
        ),
    )
    assert answer(case(SPEND, refused)).mend == ("ccops run spend ann@example.org",)
    posted = answer(case(SPEND, replace(refused, via="post")))
    assert posted.lead.endswith("By hand only if it does not: both would count"), "a shop's next click counts too"
    answered = replace(refused, occasion=TAGGED)
    assert answer(case(SPEND, answered)).mend == ("ccops run spend ann@example.org",)


def test_a_refusal_at_the_top_leads_to_the_limits() -> None:
    full = replace(PAY, changes=(replace(PAY.changes[0], maximum=Decimal(6)),))
    assert answer(case(full, entry(1, "refused", full, cause="limit"))).mend == ("ccops op show pay",)


def test_a_value_that_is_no_number_is_corrected_first() -> None:
    person = replace(PERSON, contact=replace(ANN, fields={"credits": "abc"}))
    refused = entry(1, "refused", cause="number", reason='credits is "abc", not a number')
    assert answer(case(PAY, refused, person=person)).mend == (
        "ccops adjust ann@example.org credits --set 0 --reason 'it was no number'",
        "ccops run pay ann@example.org --key 1",
    )


def test_who_holds_the_period_counts_and_not_who_was_refused_for_it() -> None:
    month = {"period": "month:2026-11", "occasion": "key:1"}
    refused = entry(2, "refused", GRANT, cause="period", period="month:2026-11")
    assert answer(case(GRANT, refused, entry(1, operation=GRANT, **month))).kind == "applied"


def test_a_left_out_contact_is_told_the_run() -> None:
    left = entry(
        1, "refused", GRANT, cause="state", reason="cancelled in Kit; grant is for active", occasion="month:2026-11"
    )
    assert told(answer(case(replace(GRANT, states=frozenset({"active"})), left))) == (
        "left-out",
        "Nothing for November 2026: run r31 (22 Nov 10:00) left the contact out: cancelled in Kit.",
        ("ccops run grant ann@example.org",),
    )


def test_a_period_that_nobody_has_yet_is_told_from_a_run_without_the_contact() -> None:
    october = entry(1, operation=GRANT, period="month:2026-10", occasion="month:2026-10")
    assert answer(case(GRANT, october, last_run=RUN)).why == (
        "Nothing for November 2026: nobody has it yet, it was last run 22 Nov 10:00 (r31)."
    )
    assert answer(case(GRANT)).why == "Nothing for November 2026: nobody has it yet, it was never run."
    assert answer(case(GRANT, last_run=RUN, run_of_period=RUN)).why == (
        "Nothing for November 2026: run r31 (22 Nov 10:00, run grant for 412 contacts) did not select it."
    )


@pytest.mark.parametrize(
    ("operation", "person", "why"),
    [
        (PAY, PERSON, 'pay never ran for this contact, and the contact does not carry "pay now".'),
        (PAY, replace(PERSON, tags=None), "pay never ran for this contact, as far as the ledger knows."),
        (SPEND, PERSON, "spend never ran for this contact: it has no trigger tag, and nobody ran it by hand."),
    ],
)
def test_what_was_never_asked_for_is_told(operation: Operation, person: WhyContact, why: str) -> None:
    assert told(answer(case(operation, person=person)))[:2] == ("never", why)


ADJUST = Operation("adjust", (Change("credits", "increase", amount=Decimal(10)),), ZONE)


@pytest.mark.parametrize(
    ("entries", "kind", "mend"),
    [
        (
            [entry(2, operation=ADJUST), entry(1, operation=ADJUST)],
            "twice",
            "ccops undo e2 --reason 'the same counted twice'",
        ),
        ([entry(1, operation=ADJUST)], "applied", "ccops undo e1 --reason 'given by mistake'"),
        ([entry(1, operation=ADJUST, reason="stopped at 9")], "applied", "ccops history e1"),
        (
            [entry(1, "failed", ADJUST, asked="add 10", occasion="adjust:credits:key:7")],
            "failed",
            "ccops adjust ann@example.org credits --add 10 --key 7",
        ),
        (
            [entry(1, "refused", ADJUST, asked="take 3", occasion="adjust:credits:run:31")],
            "refused",
            "ccops adjust ann@example.org credits --take 3",
        ),
        ([], "never", "ccops history ann@example.org --op adjust"),
    ],
)
def test_a_one_off_is_explained_like_an_operation(entries: list[Entry], kind: str, mend: str) -> None:
    found = answer(replace(case(ADJUST, *entries), operation=None))
    assert (found.kind, found.mend) == (kind, (mend,))


def test_text_from_outside_is_made_safe_and_commands_are_quoted() -> None:
    person = replace(PERSON, contact=replace(ANN, email="$(rm)'\x1b@example.org"))
    found = answer(case(PAY, entry(1, "failed", reason="a\x1b[2Jb"), person=person))
    assert "\x1b" not in found.why
    assert found.mend[0].startswith("ccops run pay '$(rm)'")


def test_every_rule_is_a_sentence_of_its_own() -> None:
    assert len({rule.__doc__ for rule in RULES}) == len(RULES)
