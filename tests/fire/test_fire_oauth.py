"""A login with OAuth under fire: processes that renew it at once, and one that is killed while Kit sends the next."""

import os
import signal
import threading
from subprocess import Popen

import pytest

from tests.fire.conftest import Place
from tests.grants import log_in, renewals

pytestmark = pytest.mark.slow

TOKEN = "/v4/oauth/token"


@pytest.fixture
def site(place: Place) -> Place:
    """A home that is logged in, with no other credential."""
    log_in(place.kit, place.path)
    place.kit.settings.key = "nobody has it"
    return place


def credit(place: Place, name: str) -> str | None:
    return place.kit.field_values(place.kit.contact_id(f"{name}@example.org"))["credits"]


def start(place: Place, name: str) -> Popen[str]:
    return place.start("run", "payment-credit", f"{name}@example.org", "--key", "invoice-1")


def ended(child: Popen[str]) -> tuple[int, str]:
    out, err = child.communicate(timeout=60)
    return child.returncode, out + err


def test_processes_renew_an_expired_login_once(site: Place) -> None:
    names = [f"member-{number}" for number in range(4)]
    for name in names:
        site.kit.add_contact(f"{name}@example.org", credits="5")
    for expiry in range(1, 3):
        site.kit.expire_tokens()
        children = [site.start("run", "payment-credit", f"{name}@example.org") for name in names]
        assert [ended(child)[0] for child in children] == [0] * 4
        assert renewals(site.kit) == expiry
    assert [credit(site, name) for name in names] == ["25"] * 4
    assert site.kit.token_states() == ["spent", "spent", "live"]


def test_a_kill_between_renewal_and_writing_it_down_is_told_and_mended_by_a_login(site: Place) -> None:
    started = threading.Event()
    children: list[Popen[str]] = []

    def kill(phase: str, method: str, path: str) -> None:
        if (phase, method, path) == ("after", "POST", TOKEN):
            assert started.wait(60)
            os.kill(children[0].pid, signal.SIGKILL)

    site.kit.on_request = kill
    site.kit.expire_tokens()
    children.append(start(site, "ann"))
    started.set()
    assert ended(children[0])[0] == -signal.SIGKILL
    site.kit.on_request = lambda *_: None

    status, said = ended(start(site, "ann"))
    assert (status, credit(site, "ann")) == (3, "5")
    assert "or ccops was killed" in said
    assert said.rstrip().endswith("ccops login --oauth")

    log_in(site.kit, site.path)
    assert ended(start(site, "ann"))[0] == 0
    assert ended(start(site, "ann"))[0] == 0
    assert credit(site, "ann") == "15"


def test_a_kill_before_kit_was_asked_loses_nothing(site: Place) -> None:
    started = threading.Event()
    children: list[Popen[str]] = []

    def kill(phase: str, method: str, path: str) -> None:
        if (phase, method, path) == ("before", "GET", "/v4/account"):
            assert started.wait(60)
            os.kill(children[0].pid, signal.SIGKILL)

    site.kit.on_request = kill
    site.kit.expire_tokens()
    children.append(start(site, "ann"))
    started.set()
    assert ended(children[0])[0] == -signal.SIGKILL
    site.kit.on_request = lambda *_: None
    assert ended(start(site, "ann"))[0] == 0
    assert credit(site, "ann") == "15"
