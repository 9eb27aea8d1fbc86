"""`ccops login --oauth`: a person says yes on Kit's page, and from then on it counts, until `ccops logout`."""

import json
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from ccops.ledger.ledger import Ledger
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, piped, talk
from tests.cli.practice import Practice, open_practice
from tests.grants import code_of, page_in, renewals, said_yes

pytestmark = pytest.mark.slow

PASTE = "Address or code: "
HERE = ["login", "--oauth", "--no-browser"]
SECRET = "app-secret-0123456789"

Call = Callable[..., Ended]
Home = Practice


@pytest.fixture
def home(kit: Sandbox, environ: dict[str, str], ccops: Call) -> Home:
    """A home with a key of its own; its settings name the app, and where the browser is sent back to."""
    practice = open_practice(kit, environ, ccops)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (practice.home / "config.toml").open("a") as config:
        config.write(f'\noauth_client_id = "sandbox-app"\noauth_redirect = "http://127.0.0.1:{port}/kit"\n')
    return practice


def kept(home: Home) -> dict[str, str]:
    read: dict[str, str] = json.loads((home.home / "oauth.json").read_text())
    return read


def tells_nothing(home: Home, ended: Ended) -> Ended:
    """Return what a call left, once it is sure that nothing secret is in it."""
    secret = [KEY, SECRET]
    if (home.home / "oauth.json").exists():
        secret += [kept(home)[name] for name in ("access_token", "refresh_token", "id")]
    assert not [text for text in secret if text in ended.out + ended.err]
    return ended


def log_in(home: Home) -> Ended:
    ended = tells_nothing(home, talk(home.environ, HERE, [(PASTE, lambda screen: said_yes(page_in(screen)))]))
    assert ended.status == 0, ended.out
    return ended


def no_login(home: Home) -> bool:
    return not (home.home / "oauth.json").exists()


@pytest.mark.parametrize("pasted", [lambda place: place, code_of], ids=["address", "code"])
def test_the_pasted_address_or_code_logs_in(kit: Sandbox, home: Home, pasted: Callable[[str], str]) -> None:
    ended = tells_nothing(home, talk(home.environ, HERE, [(PASTE, lambda screen: pasted(said_yes(page_in(screen))))]))
    assert ended.status == 0
    assert "Ann's Studio (9): ccops is logged in with OAuth" in ended.out
    assert stat.S_IMODE((home.home / "oauth.json").stat().st_mode) == 0o600
    assert kit.token_states() == ["live"]


@pytest.mark.parametrize("wrong", ["right", "wrong"])
def test_the_browser_brings_the_answer_by_itself(home: Home, tmp_path: Path, wrong: str) -> None:
    log = tmp_path / "shown"
    browser = f"{sys.executable} {Path(__file__).with_name('browser.py')} {log} {wrong} %s"
    environ = {name: text for name, text in home.environ.items() if not name.startswith("SSH_")}
    ended = tells_nothing(home, talk(environ | {"DISPLAY": ":0", "BROWSER": browser}, ["login", "--oauth"], []))
    assert ended.status == 0, ended.out
    assert "Waiting until Kit sends the browser back" in ended.out
    assert not no_login(home)


def test_over_ssh_the_address_is_pasted(home: Home) -> None:
    environ = home.environ | {"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}
    ended = talk(environ, ["login", "--oauth"], [(PASTE, lambda screen: said_yes(page_in(screen)))])
    assert ended.status == 0


def test_a_taken_port_leads_to_pasting(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = home.home / "config.toml"
        text = config.read_text()
        line = next(line for line in text.splitlines() if line.startswith("oauth_redirect"))
        config.write_text(text.replace(line, f'oauth_redirect = "http://localhost:{port}/kit"'))
        environ = {name: value for name, value in home.environ.items() if not name.startswith("SSH_")}
        answers = [(PASTE, lambda screen: said_yes(page_in(screen)))]
        ended = talk(environ | {"DISPLAY": ":0"}, ["login", "--oauth"], answers)
    assert ended.status == 0
    assert f"127.0.0.1:{port} can't be listened at" in " ".join(ended.out.split())


def test_an_answer_to_another_login_is_asked_for_again(home: Home) -> None:
    def answered_wrongly(screen: str) -> str:
        return said_yes(page_in(screen)).replace("state=", "state=x")

    right = (PASTE, lambda screen: said_yes(page_in(screen)))
    ended = talk(home.environ, HERE, [(PASTE, answered_wrongly), (PASTE, "no code / at all"), right])
    assert ended.status == 0
    assert "belongs to another login" in ended.out
    assert "neither the whole address nor a code" in ended.out


def test_a_no_is_told_and_nothing_is_stored(kit: Sandbox, home: Home) -> None:
    kit.settings.approves = False
    ended = talk(home.environ, HERE, [(PASTE, lambda screen: said_yes(page_in(screen)))])
    assert ended.status == 3
    assert 'Kit did not let ccops in: "The resource owner denied the request."' in " ".join(ended.out.split())
    assert no_login(home)


def test_a_wrong_code_is_refused_and_nothing_is_stored(home: Home) -> None:
    ended = talk(home.environ, HERE, [(PASTE, "made-up-code")])
    assert (ended.status, no_login(home)) == (3, True)
    assert 'Kit did not take the code: "invalid_grant"' in " ".join(ended.out.split())
    assert "made-up-code" not in ended.out.replace(f"{PASTE}made-up-code", "")


def test_the_app_is_asked_for_if_nothing_names_it(kit: Sandbox, home: Home) -> None:
    kit.settings.client_secret = SECRET
    config = home.home / "config.toml"
    config.write_text(config.read_text().replace('oauth_client_id = "sandbox-app"', ""))
    answers: list[tuple[str, str | Callable[[str], str]]] = [
        ("Client id of the app: ", "two words"),
        ("Client id of the app: ", "sandbox-app"),
        ("Enter if the app has none): ", SECRET),
        (PASTE, lambda screen: said_yes(page_in(screen))),
    ]
    ended = tells_nothing(home, talk(home.environ, HERE, answers))
    assert ended.status == 0
    assert "http://127.0.0.1" in ended.out
    assert (kept(home)["client_id"], kept(home)["client_secret"]) == ("sandbox-app", SECRET)
    again = talk(home.environ, HERE, [answers[3]])
    assert again.status == 0  # the login before named it


def test_an_app_that_kit_does_not_know_is_told(home: Home) -> None:
    answers = [("has none): ", ""), (PASTE, "some-code")]
    ended = talk(home.environ, [*HERE, "--client-id", "another"], answers)
    assert (ended.status, no_login(home)) == (3, True)
    assert "did not accept the app" in " ".join(ended.out.split())


def test_without_a_terminal_nothing_is_begun(home: Home) -> None:
    for words in (["login", "--oauth"], ["login", "--oauth", "--no-browser", "--client-id", "x"]):
        ended = piped(home.environ, words)
        assert (ended.status, ended.out) == (2, "")
        assert "needs a person" in ended.err
    assert piped(home.environ, ["login", "--oauth", "--with-key"], KEY).status == 2
    assert piped(home.environ, ["login", "--no-browser"]).status == 2


def test_a_login_to_another_account_is_refused_and_given_back(kit: Sandbox, home: Home) -> None:
    (home.home / "ledger.sqlite3").unlink()
    ledger = Ledger.create(home.home / "ledger.sqlite3", home.home / "locks")
    ledger.identity.found(10, "Bob's Barn", "ccops_receipt")
    ledger.close()
    ended = talk(home.environ, HERE, [(PASTE, lambda screen: said_yes(page_in(screen)))])
    assert (ended.status, no_login(home)) == (5, True)
    assert kit.token_states() == ["revoked"]


def test_a_login_counts_in_place_of_the_stored_key_and_is_not_asked_whose_it_is(kit: Sandbox, home: Home) -> None:
    log_in(home)
    kit.settings.key = "another"  # the stored key no longer opens anything
    kit.forget()
    for contact in ("ann", "bob"):
        assert home("run", "payment-credit", f"{contact}@example.org").status == 0
        kit.expire_tokens()
    assert home("balance", "ann@example.org").status == 0
    assert ("GET", "/v4/account") not in kit.counts
    assert renewals(kit) == 2


def test_a_run_lives_through_several_ends_of_its_token(kit: Sandbox, home: Home) -> None:
    log_in(home)
    names = [f"{name}@example.org" for name in ("ann", "bob", "gus")]
    names += [f"member-{number}@example.org" for number in range(3)]
    for name in names[3:]:
        kit.add_contact(name, credits="5")
    writes = []

    def end_tokens(phase: str, method: str, path: str) -> None:
        if (phase, method) == ("before", "PUT"):
            writes.append(path)
            if len(writes) % 2:
                kit.expire_tokens()

    kit.on_request = end_tokens
    before = {name: kit.field_values(kit.contact_id(name))["credits"] for name in names}
    ended = tells_nothing(home, home("run", "payment-credit", *names))
    after = {name: kit.field_values(kit.contact_id(name))["credits"] for name in names}
    assert ended.status == 0, ended.err
    assert after == {name: str(int(value or 0) + 10) for name, value in before.items()}
    assert renewals(kit) > 2


def test_all_processes_pace_themselves_by_one_file_whoever_renews(kit: Sandbox, home: Home) -> None:
    log_in(home)
    pace = set((home.home / "locks").glob("pace-*"))
    for _ in range(2):
        assert home("balance", "ann@example.org", CCOPS_RATE="600").status == 0
        kit.expire_tokens()
    assert len(set((home.home / "locks").glob("pace-*")) - pace) == 1


def test_the_key_that_is_stored_later_counts_and_ends_the_login(kit: Sandbox, home: Home) -> None:
    log_in(home)
    ended = tells_nothing(home, piped(home.environ, ["login", "--with-key"], KEY))
    assert ended.status == 0
    assert "in place of the login with OAuth" in ended.err
    assert (no_login(home), kit.token_states()) == (True, ["revoked"])
    assert home("balance", "ann@example.org").status == 0


def test_a_key_typed_into_init_takes_the_place_of_a_login_that_is_over(kit: Sandbox, home: Home) -> None:
    log_in(home)
    login = kept(home)
    body = {"client_id": "sandbox-app", "token": login["refresh_token"]}
    assert requests.post(f"{kit.url}/v4/oauth/revoke", json=body, timeout=5).status_code == 200
    ended = tells_nothing(home, talk(home.environ, ["init"], [("Key (it stays hidden): ", KEY)]))
    assert (ended.status, no_login(home)) == (0, True)
    assert "Kit did not renew the login" in " ".join(ended.out.split())
    assert home("balance", "ann@example.org").status == 0


def test_a_second_login_gives_the_first_back(kit: Sandbox, home: Home) -> None:
    log_in(home)
    log_in(home)
    assert kit.token_states() == ["revoked", "live"]


def test_what_is_set_in_the_shell_is_said_to_win(home: Home) -> None:
    answers = [(PASTE, lambda screen: said_yes(page_in(screen)))]
    ended = talk(home.environ | {"KIT_API_KEY": KEY}, HERE, answers)
    assert "KIT_API_KEY is set in this shell and wins" in " ".join(ended.out.split())


def test_the_doctor_says_until_when_and_that_cron_has_it(home: Home) -> None:
    log_in(home)
    (found,) = home.findings()["Kit"]
    assert found["ok"]
    assert "login from oauth.json, token until " in found["text"]
    assert "cron has it" in found["text"]
    (found,) = home.findings(KIT_API_KEY=KEY)["Kit"]
    assert (found["ok"], "cron takes the login of oauth.json" in found["text"]) == (True, True)
    (home.home / "oauth.json").write_text("{")
    assert ("Kit", "ccops login --oauth") in [(area, mend) for area, _, mend in home.wrong()]


def test_a_damaged_login_is_mended_by_another(home: Home) -> None:
    (home.home / "oauth.json").write_text("{")
    refused = home("run", "payment-credit", "ann@example.org")
    assert (refused.status, "ccops login --oauth" in refused.err) == (2, True)
    log_in(home)
    assert home("run", "payment-credit", "ann@example.org").status == 0


def test_logout_ends_the_login_in_kit_too(kit: Sandbox, home: Home) -> None:
    log_in(home)
    ended = home("logout")
    assert (ended.status, ended.out.splitlines()) == (
        0,
        ["The login with OAuth is ended, and its tokens are gone from oauth.json.", "The key is out of config.toml."],
    )
    assert (no_login(home), kit.token_states()) == (True, ["revoked"])
    assert home("logout").out == "There was no key in config.toml.\n"


def test_logout_says_that_kit_could_not_be_told(kit: Sandbox, home: Home) -> None:
    log_in(home)
    kit.faults.add(Fault("status", path="/v4/oauth/revoke", times=None))
    ended = tells_nothing(home, home("logout"))
    assert (ended.status, no_login(home)) == (0, True)
    assert "Kit could not be told that the login is over" in ended.err
    assert "Take the app's access away in Kit" in ended.err


def test_a_token_is_no_key_of_an_occasion(home: Home) -> None:
    log_in(home)
    for name in ("access_token", "refresh_token"):
        ended = tells_nothing(home, home("run", "payment-credit", "ann@example.org", "--key", kept(home)[name]))
        assert ended.status == 2


def test_a_rehearsal_needs_no_login(ccops: Call, environ: dict[str, str]) -> None:
    ccops("init", "--sandbox", **environ)
    ended = piped(environ, ["login", "--oauth"])
    assert (ended.status, "rehearsals" in ended.err) == (2, True)
