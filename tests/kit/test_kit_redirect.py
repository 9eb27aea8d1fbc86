"""The browser that Kit sends back: one answer counts, that to our own question; everything else changes nothing."""

import socket
from collections.abc import Iterator

import pytest
import requests

from ccops.crm.kit.errors import NobodyCame
from ccops.crm.kit.oauth import Redirect
from ccops.crm.login import Denied, LoginAttempt, NoCode, OtherLogin, RedirectTaken


@pytest.fixture
def attempt() -> LoginAttempt:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return LoginAttempt.begin(f"http://localhost:{port}/kit")


@pytest.fixture
def redirect(attempt: LoginAttempt) -> Iterator[Redirect]:
    with Redirect(attempt) as redirect:
        yield redirect


def visit(attempt: LoginAttempt, path: str = "/kit", **query: str) -> tuple[int, str]:
    port = attempt.redirect.split(":")[2].split("/")[0]
    answer = requests.get(f"http://127.0.0.1:{port}{path}", params=query, timeout=5)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.text


def test_the_answer_is_taken_and_the_person_thanked(attempt: LoginAttempt, redirect: Redirect) -> None:
    status, page = visit(attempt, code="the-code", state=attempt.state)
    assert (status, "go back to the terminal" in page, "the-code" in page) == (200, True, False)
    assert redirect.wait(5).reveal() == "the-code"


def test_what_is_not_ours_changes_nothing(attempt: LoginAttempt, redirect: Redirect) -> None:
    assert visit(attempt, code="made-up", state="made-up")[0] == 400
    assert visit(attempt, code="made-up")[0] == 400
    assert visit(attempt, error="access_denied", state="made-up")[0] == 400
    assert visit(attempt, state=attempt.state)[0] == 400
    assert visit(attempt, "/favicon.ico")[0] == 404
    with pytest.raises(NobodyCame) as caught:
        redirect.wait(0)
    assert caught.value.mend == "ccops login --oauth --no-browser"
    visit(attempt, code="the-code", state=attempt.state)
    visit(attempt, code="a-later-one", state=attempt.state)
    assert redirect.wait(5).reveal() == "the-code"


def test_a_no_is_an_answer_too(attempt: LoginAttempt, redirect: Redirect) -> None:
    assert visit(attempt, error="access_denied", state=attempt.state) == (
        200,
        visit(attempt, error="x", state=attempt.state)[1],
    )
    with pytest.raises(Denied):
        redirect.wait(5)


def test_a_browser_that_says_nothing_holds_nobody_up(attempt: LoginAttempt, redirect: Redirect) -> None:
    port = int(attempt.redirect.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)):
        visit(attempt, code="the-code", state=attempt.state)
        assert redirect.wait(5).reveal() == "the-code"


def test_a_taken_port_is_told(attempt: LoginAttempt, redirect: Redirect) -> None:
    assert redirect
    with pytest.raises(RedirectTaken, match="can't be listened at"):
        Redirect(attempt)


def test_a_verifier_is_long_enough_and_shown_to_nobody(attempt: LoginAttempt) -> None:
    assert 43 <= len(attempt.verifier.reveal()) <= 128
    assert attempt.verifier.reveal() not in repr(attempt)
    assert len(attempt.challenge) == 43
    other = LoginAttempt.begin(attempt.redirect)
    assert len({attempt.state, other.state, attempt.challenge, other.challenge}) == 4


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        ("abc-123", "abc-123"),
        ("  abc-123  ", "abc-123"),
        ("{redirect}?code=a%2Bb&state={state}", "a+b"),
        ("code=abc&state={state}", "abc"),
        ("?state={state}&code=abc", "abc"),
        ("https://elsewhere.example/x?code=abc&state={state}", "abc"),
    ],
)
def test_an_address_or_its_code_can_be_pasted(attempt: LoginAttempt, pasted: str, code: str) -> None:
    text = pasted.format(redirect=attempt.redirect, state=attempt.state)
    assert attempt.code_in(text).reveal() == code


@pytest.mark.parametrize(
    ("pasted", "kind"),
    [
        ("", NoCode),
        ("two words", NoCode),
        ("{redirect}", NoCode),
        ("http://[", NoCode),
        ("{redirect}?code=&state={state}", NoCode),
        ("{redirect}?code=abc", OtherLogin),
        ("{redirect}?code=abc&state=x", OtherLogin),
        ("{redirect}?error=access_denied&state={state}", Denied),
    ],
)
def test_anything_else_is_refused(attempt: LoginAttempt, pasted: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        attempt.code_in(pasted.format(redirect=attempt.redirect, state=attempt.state))
