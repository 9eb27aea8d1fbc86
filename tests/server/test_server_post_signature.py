"""Kit's signature: a delivery is believed only if Kit signed these very bytes just now."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.secret import Secret
from ccops.server.hooks import judge, sign

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
BODY = b'{"events": []}'
NEW, OLD = Secret("whsec_new"), Secret("whsec_old")
TIME = str(int(NOW.timestamp()))


def digest(key: str, message: bytes) -> str:
    return hmac.new(key.encode(), message, sha256).hexdigest()


RIGHT = digest("whsec_new", TIME.encode() + b"." + BODY)


def test_the_form_is_that_of_kits_guide() -> None:
    assert sign(BODY, NEW, NOW) == f"t={TIME},v1={RIGHT}"


@pytest.mark.parametrize(
    ("header", "verdict"),
    [
        (f"t={TIME},v1={RIGHT}", "genuine"),
        (f"v1={RIGHT}, t={TIME}", "genuine"),
        (f"t={TIME},v1={RIGHT.upper()}", "genuine"),
        (f"t={TIME},v1={'0' * 64},v1={RIGHT}", "genuine"),
        (f"t={TIME},v0=abc,v1={RIGHT},v2=def", "genuine"),
        ("", "missing"),
        ("  ", "missing"),
        (f"t={TIME}", "unreadable"),
        (f"v1={RIGHT}", "unreadable"),
        (f"t=now,v1={RIGHT}", "unreadable"),
        (f"t=-1,v1={RIGHT}", "unreadable"),
        (f"t={'9' * 400},v1={RIGHT}", "unreadable"),
        (f"t={TIME},t={TIME},v1={RIGHT}", "unreadable"),
        (f"t=\u0661,v1={RIGHT}", "unreadable"),
        ("nonsense", "unreadable"),
        (f"t={TIME},v1=", "wrong"),
        (f"t={TIME},v1={RIGHT[:-1]}", "wrong"),
        (f"t={TIME},v1={RIGHT}0", "wrong"),
        (f"t={TIME},v1=\xe4", "wrong"),
        (f"t={TIME},v0={RIGHT},v1={'0' * 64}", "wrong"),
        (f"t={int(TIME) - 1},v1={RIGHT}", "wrong"),
    ],
)
def test_headers(header: str, verdict: str) -> None:
    assert judge(header, BODY, [NEW], NOW) == verdict


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, "genuine"), (-300, "genuine"), (-301, "too old"), (300, "genuine"), (301, "too old"), (-86400, "too old")],
)
def test_a_signature_holds_for_five_minutes(seconds: int, verdict: str) -> None:
    assert judge(sign(BODY, NEW, NOW + timedelta(seconds=seconds)), BODY, [NEW], NOW) == verdict


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_while_a_secret_is_rotated_both_are_good(secret: Secret) -> None:
    assert judge(sign(BODY, secret, NOW), BODY, [NEW, OLD], NOW) == "genuine"


def test_two_signatures_of_one_delivery_need_only_one_that_is_known() -> None:
    theirs = f"{sign(BODY, NEW, NOW)},v1={sign(BODY, OLD, NOW).partition('v1=')[2]}"
    assert judge(theirs, BODY, [OLD], NOW) == "genuine"
    assert judge(theirs, BODY, [Secret("whsec_other")], NOW) == "wrong"


@pytest.mark.parametrize("key", ["whsec_new", "new"])
def test_the_secret_counts_with_and_without_its_prefix(key: str) -> None:
    header = f"t={TIME},v1={digest(key, TIME.encode() + b'.' + BODY)}"
    assert judge(header, BODY, [NEW], NOW) == "genuine"


def test_without_a_secret_nothing_is_genuine() -> None:
    assert judge(sign(BODY, NEW, NOW), BODY, [], NOW) == "wrong"


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_another_body_is_never_genuine(signed: bytes, sent: bytes) -> None:
    verdict = judge(sign(signed, NEW, NOW), sent, [NEW], NOW)
    assert verdict == ("genuine" if signed == sent else "wrong")


@given(st.text(max_size=200))
def test_no_header_breaks_it(header: str) -> None:
    assert judge(header, BODY, [NEW], NOW) in {"missing", "unreadable", "wrong"}
