"""The credential reaches Kit in a header, and nothing else ever."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.crm.base import NotSent, OutcomeUnknown, Rejected
from ccops.crm.http.exchange import HttpLimits
from ccops.crm.kit.credential import credential_hash, header, mask
from ccops.crm.kit.errors import KeyMalformed, KeyRefused, RedirectRefused
from ccops.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from ccops.crm.kit.client import KitCrm
    from ccops.errors import CcopsError
    from tests.kit.conftest import Connect, Wire

KEY = "kit_0123456789abcdef"
ACCOUNT = {"account": {"id": 9, "name": "Ann's Studio"}}


def shown(error: BaseException) -> str:
    """All that a traceback, a repr or a log could show of an error."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=False).format()
    return "".join(lines) + repr(error) + repr(error.args) + repr(vars(error))


@pytest.mark.parametrize(
    ("oauth", "name", "value"), [(False, "x-kit-api-key", KEY), (True, "authorization", f"Bearer {KEY}")]
)
def test_the_credential_travels_in_its_header_alone(
    oauth: bool, name: str, value: str, wire: Wire, connect: Connect
) -> None:
    wire.reply(200, ACCOUNT)
    connect(wire.url, oauth=oauth).account()
    carrying = {header: found for header, found in wire.asked[0].headers.items() if KEY in found}
    assert carrying == {name: value}
    assert KEY not in wire.asked[0].target


def test_a_key_quoted_by_the_service_is_hidden(wire: Wire, crm: KitCrm) -> None:
    errors: list[CcopsError] = []
    wire.reply(401, {"errors": [f"The key {KEY} is invalid"]}).reply(422, {"errors": [[f"no {KEY.upper()}"]]})
    wire.reply(400, f"bad {KEY}".encode()).reply(302, b"", location=f"http://evil.example/?{KEY}")
    for kind in (KeyRefused, Rejected, Rejected, RedirectRefused):
        with pytest.raises(kind) as caught:
            crm.account()
        errors.append(caught.value)
    wire.reply(200, {"warnings": [f"{KEY} is old"], "subscriber": {"id": 5}})
    with pytest.raises(OutcomeUnknown, match=r"it warned: \*\*\* is old") as caught_warning:
        crm.write(5, {"credits": "15"})
    for error in [*errors, caught_warning.value]:
        assert "***" in str(error)
        assert KEY not in shown(error).lower()


def test_no_trouble_shows_the_key(wire: Wire, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wire.reset().reply(500, KEY.encode()).say(f"{KEY}\r\n\r\n".encode()).reply(200, KEY.encode())
    crm = connect(wire.url)
    for _ in range(4):
        with pytest.raises(OutcomeUnknown) as caught:
            crm.write(5, {"credits": "15"})
        assert KEY not in shown(caught.value)
    assert KEY not in caplog.text
    assert KEY not in repr(crm) + repr(vars(crm)) + repr(vars(crm._calls)) + repr(vars(crm._http))


@pytest.mark.parametrize("key", ["", " ", "key\n", "ke y", "key\r\nX-Evil: 1", "ключ", "k\x00", "k\ud800", "é"])
@pytest.mark.parametrize("oauth", [False, True])
def test_a_text_that_cannot_be_a_key_is_refused_unprinted(key: str, oauth: bool, connect: Connect) -> None:
    with pytest.raises(KeyMalformed) as caught:
        connect("http://127.0.0.1:9", key=key, oauth=oauth)
    assert str(caught.value).isascii()
    assert not key.strip() or key not in shown(caught.value)
    assert caught.value.mend.startswith("ccops login")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), st.booleans())
def test_every_text_without_blanks_makes_a_header(key: str, oauth: bool) -> None:
    assert header(Secret(key), oauth=oauth)[1].endswith(key)


@given(st.text(max_size=20), st.text(min_size=8, max_size=20), st.text(max_size=20))
def test_a_masked_text_never_holds_the_key(before: str, key: str, after: str) -> None:
    assert key not in mask(before + key + after, Secret(key)).replace("***", "")


def test_passwords_of_netrc_are_not_sent(
    wire: Wire, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login ann password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", wire.url)
    wire.reply(200, ACCOUNT)
    connect("http://kit.example").account()
    assert "authorization" not in wire.asked[0].headers
    assert wire.asked[0].target == "http://kit.example/v4/account"


def test_a_proxy_that_forwards_gets_its_own_password(
    wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", wire.url.replace("//", "//ann:hunter2@"))
    wire.reply(200, ACCOUNT)
    connect("http://kit.example").account()
    headers = wire.asked[0].headers
    assert (headers["host"], headers["proxy-authorization"]) == ("kit.example", "Basic YW5uOmh1bnRlcjI=")


def test_a_proxy_is_not_asked_for_this_machine(wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    wire.reply(200, ACCOUNT)
    assert connect(wire.url).account().id == 9


def test_a_proxy_that_lets_nothing_through_was_sent_no_request(
    wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", wire.url.replace("//", "//ann:hunter2@"))
    wire.reply(403, b"")
    with pytest.raises(NotSent, match="the proxy did not let it through") as caught:
        connect("https://kit.example").write(5, {"credits": "15"})
    assert "hunter2" not in shown(caught.value)
    assert [(asked.method, asked.target) for asked in wire.asked] == [("CONNECT", "kit.example:443")]
    assert not any(KEY in value for value in wire.asked[0].headers.values())


def test_a_proxy_whose_answer_drips_is_left_at_the_time_limit(
    wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", wire.url)
    wire.drip(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 1000)
    with pytest.raises(NotSent, match="no connection within"):  # else it was left when the drip had ended
        connect("https://kit.example", limits=HttpLimits(connect=20, read=60, total=0.5)).write(5, {"credits": "15"})


def test_a_hash_knows_the_credential_again_and_only_with_its_salt() -> None:
    known = credential_hash(Secret(KEY), "salt")
    assert known == credential_hash(Secret(KEY), "salt")
    assert len({known, credential_hash(Secret(KEY), "pepper"), credential_hash(Secret("other"), "salt")}) == 3
    assert KEY not in known
    assert len(known) == 64
