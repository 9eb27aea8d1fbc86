"""A login is renewed once for all, on disk before it is used, and whatever was asked for meanwhile is sent again."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ccops.clock import SystemClock
from ccops.config.errors import FileUnusable
from ccops.crm.base import NotSent, OutcomeUnknown
from ccops.crm.http.exchange import DEFAULT_LIMITS, HttpLimits
from ccops.crm.http.rate_limit import NoRateLimit
from ccops.crm.kit.client import KitCrm
from ccops.crm.kit.errors import Aged, ClientRefused, KeyRefused, LoggedOut, LoginEnded, NotRenewed
from ccops.crm.kit.oauth import Issuer, RenewedTokens
from ccops.errors import ServiceUnreachable
from ccops.sandbox.faults import Fault
from ccops.secret import Client, Secret, Tokens
from tests.grants import log_in, renewals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ccops.clock import Clock
    from ccops.config.credentials import GrantFile
    from ccops.sandbox.sandbox import Sandbox
    from tests.kit.conftest import FakeClock, Wire

TOKEN = "/v4/oauth/token"
NOON = datetime(2026, 11, 22, 10, tzinfo=UTC)  # FakeClock's
ACCOUNT = {"account": {"id": 9, "name": "Ann's Studio"}}
EXPIRED = {"errors": ["The access token expired"]}


@pytest.fixture
def grants(kit: Sandbox, tmp_path: Path) -> GrantFile:
    return log_in(kit, tmp_path)


@pytest.fixture
def enter(kit: Sandbox, grants: GrantFile) -> Iterator[Callable[[], KitCrm]]:
    """Make clients that use the login, each as a process of its own would."""
    made: list[KitCrm] = []

    def enter() -> KitCrm:
        made.append(client(kit.url, grants, Eager()))
        return made[-1]

    yield enter
    for crm in made:
        crm.close()


class Eager(SystemClock):
    """The machine's clock, on which nobody waits."""

    def sleep(self, seconds: float) -> None:
        """Return at once."""


def client(url: str, keeper: GrantFile | Shelf, clock: Clock, limits: HttpLimits = DEFAULT_LIMITS) -> KitCrm:
    access = RenewedTokens(keeper, Issuer(api_url=url, clock=clock, limits=limits), clock)
    return KitCrm(access, api_url=url, pacer=NoRateLimit(), clock=clock, limits=limits)


class Shelf:
    """Keeps tokens in memory; `wait` is what everybody has to wait before being alone."""

    def __init__(self, tokens: Tokens | None, clock: FakeClock, wait: float = 0) -> None:
        self.kept, self._clock, self._wait = tokens, clock, wait
        self.puts: list[str] = []

    @contextmanager
    def alone(self) -> Iterator[None]:
        self._clock.moment += timedelta(seconds=self._wait)
        yield

    def tokens(self) -> Tokens | None:
        return self.kept

    def put(self, tokens: Tokens) -> None:
        self.puts.append(tokens.access.reveal())
        self.kept = tokens


def pair(name: str, *, renew: float = 3600, expires: float = 7200, client: Client | None = None) -> Tokens:
    moments = (NOON + timedelta(seconds=renew), NOON + timedelta(seconds=expires))
    return Tokens(client or Client("app"), Secret(f"access-{name}"), Secret(f"refresh-{name}"), *moments)


def issued(name: str) -> dict[str, object]:
    return {"access_token": f"access-{name}", "refresh_token": f"refresh-{name}", "expires_in": 7200}


def carried(wire: Wire) -> list[str]:
    return [asked.headers.get("authorization", asked.target) for asked in wire.asked]


def test_many_threads_renew_an_expired_login_once(kit: Sandbox, enter: Callable[[], KitCrm]) -> None:
    crms = [enter(), enter()]  # as two processes, of four threads each
    names: list[str] = []
    for _ in range(3):
        kit.expire_tokens()
        start = threading.Barrier(8)

        def ask(crm: KitCrm, start: threading.Barrier = start) -> None:
            start.wait(30)
            names.append(crm.account().name)

        threads = [threading.Thread(target=ask, args=(crms[number % 2],)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert names == ["Ann's Studio"] * 24
    assert renewals(kit) == 3
    assert kit.token_states() == ["spent", "spent", "spent", "live"]


def test_a_write_that_met_an_expired_token_is_sent_again(kit: Sandbox, enter: Callable[[], KitCrm]) -> None:
    ann, crm = kit.contact_id("ann@example.org"), enter()
    kit.expire_tokens()
    assert crm.write(ann, {"credits": "15"})["credits"] == "15"
    assert kit.writes(ann) == [{"credits": "15"}]
    assert renewals(kit) == 1


def test_what_somebody_else_renewed_is_used(kit: Sandbox, enter: Callable[[], KitCrm]) -> None:
    first, second = enter(), enter()
    kit.expire_tokens()
    assert first.account() == second.account()
    assert renewals(kit) == 1


def test_a_token_is_renewed_ahead_of_its_end_and_kept_before_it_is_used(wire: Wire, clock: FakeClock) -> None:
    shelf = Shelf(pair("old"), clock)
    crm = client(wire.url, shelf, clock)
    wire.reply(200, ACCOUNT)
    crm.account()
    clock.moment = NOON + timedelta(seconds=3600)
    wire.reply(200, issued("new")).reply(200, ACCOUNT)
    crm.account()
    assert carried(wire) == ["Bearer access-old", TOKEN, "Bearer access-new"]
    assert shelf.puts == ["access-old", "access-new"]  # the first shows that there is room
    assert shelf.kept is not None
    assert shelf.kept.renew == clock.moment + timedelta(seconds=7080)
    assert shelf.kept.expires == clock.moment + timedelta(seconds=7200)


def test_a_write_leaves_the_renewal_ahead_to_reads(wire: Wire, clock: FakeClock) -> None:
    crm = client(wire.url, Shelf(pair("old", renew=0), clock), clock)
    wire.reply(200, {"subscriber": {"id": 5, "email_address": "ann@example.org", "fields": {"credits": "15"}}})
    assert crm.write(5, {"credits": "15"}) == {"credits": "15"}
    assert carried(wire) == ["Bearer access-old"]


def test_renewing_ahead_that_fails_is_put_off(wire: Wire, clock: FakeClock) -> None:
    crm = client(wire.url, Shelf(pair("old", renew=0), clock), clock)
    wire.reply(503).reply(200, ACCOUNT).reply(200, ACCOUNT)
    crm.account()
    crm.account()
    clock.moment += timedelta(seconds=20)
    wire.reply(200, issued("new")).reply(200, ACCOUNT)
    crm.account()
    assert carried(wire) == [TOKEN, "Bearer access-old", "Bearer access-old", TOKEN, "Bearer access-new"]


def test_a_short_lived_token_is_used_for_most_of_its_time(wire: Wire, clock: FakeClock) -> None:
    shelf = Shelf(pair("old", renew=0, expires=0), clock)
    wire.reply(200, issued("new") | {"expires_in": 60}).reply(200, ACCOUNT)
    client(wire.url, shelf, clock).account()
    assert shelf.kept is not None
    assert shelf.kept.renew == NOON + timedelta(seconds=45)


@pytest.mark.parametrize("seconds", [None, "soon", 0, -5, True, 10**12])
def test_a_life_that_is_not_told_is_a_short_one(wire: Wire, clock: FakeClock, seconds: object) -> None:
    shelf = Shelf(pair("old", renew=0, expires=0), clock)
    wire.reply(200, issued("new") | {"expires_in": seconds}).reply(200, ACCOUNT)
    client(wire.url, shelf, clock).account()
    assert shelf.kept is not None
    assert shelf.kept.expires == NOON + timedelta(hours=2)


@pytest.mark.parametrize("fault", [Fault("status", path=TOKEN, times=None), Fault("reset", path=TOKEN, times=None)])
def test_a_kit_that_does_not_renew_is_unreachable_and_nothing_is_lost(
    kit: Sandbox, enter: Callable[[], KitCrm], fault: Fault
) -> None:
    crm = enter()
    kit.expire_tokens()
    kit.faults.add(fault)
    with pytest.raises(NotRenewed) as caught:
        crm.account()
    assert isinstance(caught.value, ServiceUnreachable)
    with pytest.raises(NotSent):
        crm.write(5, {"credits": "15"})
    kit.faults.clear()
    assert crm.account().id == 9
    assert enter().account().id == 9


class Full(Shelf):
    """A shelf on which there is no room."""

    def put(self, tokens: Tokens) -> None:  # noqa: ARG002 - nothing is ever put
        raise FileUnusable(Path("oauth.json"), OSError(28, "No space left on device"))


@pytest.mark.parametrize(("expires", "asked"), [(0, []), (600, ["Bearer access-old"])])
def test_a_full_disk_is_found_before_the_old_pair_is_spent(
    wire: Wire, clock: FakeClock, expires: float, asked: list[str]
) -> None:
    crm = client(wire.url, Full(pair("old", renew=0, expires=expires), clock), clock)
    if asked:
        wire.reply(200, ACCOUNT)
        crm.account()
    else:
        with pytest.raises(NotRenewed, match="No space left"):
            crm.account()
    assert carried(wire) == asked


def test_a_lost_answer_to_a_renewal_ends_the_login(kit: Sandbox, enter: Callable[[], KitCrm]) -> None:
    crm = enter()
    kit.expire_tokens()
    kit.faults.add(Fault("reset", path=TOKEN, when="after"))
    with pytest.raises(LoginEnded) as caught:
        crm.account()
    assert caught.value.mend == "ccops login --oauth"
    assert "only the latest counts" in str(caught.value)


def test_a_login_ended_in_kit_is_told(kit: Sandbox, grants: GrantFile, enter: Callable[[], KitCrm]) -> None:
    crm, tokens = enter(), grants.tokens()
    assert tokens is not None
    Issuer(api_url=kit.url, clock=SystemClock(), limits=DEFAULT_LIMITS).revoke(tokens)
    with pytest.raises(LoginEnded):
        crm.account()


def test_a_token_that_kit_refuses_for_another_reason_is_not_renewed(wire: Wire, clock: FakeClock) -> None:
    wire.reply(401, {"errors": ["Your plan has no API"]})
    with pytest.raises(KeyRefused):
        client(wire.url, Shelf(pair("old"), clock), clock).account()
    assert carried(wire) == ["Bearer access-old"]


def test_a_new_token_that_is_refused_too_is_an_end(wire: Wire, clock: FakeClock) -> None:
    wire.reply(401, EXPIRED).reply(200, issued("new")).reply(401, EXPIRED)
    with pytest.raises(KeyRefused) as caught:
        client(wire.url, Shelf(pair("old"), clock), clock).account()
    assert caught.value.mend == "ccops login --oauth"
    assert carried(wire) == ["Bearer access-old", TOKEN, "Bearer access-new"]


def test_a_write_whose_values_grew_old_meanwhile_is_not_sent(wire: Wire, clock: FakeClock) -> None:
    wire.reply(401, EXPIRED).reply(200, issued("new"))
    with pytest.raises(Aged, match="took 9 s"):
        client(wire.url, Shelf(pair("old"), clock, wait=9), clock).write(5, {"credits": "15"})
    assert carried(wire) == ["Bearer access-old", TOKEN]


def test_a_login_that_can_not_be_renewed_leaves_a_lost_write_unknown(wire: Wire, clock: FakeClock) -> None:
    crm = client(wire.url, Shelf(pair("old", renew=1, expires=1), clock), clock)
    wire.reply(503, retry_after="5")
    for _ in range(6):
        wire.reply(503)
    with pytest.raises(OutcomeUnknown):
        crm.add_tag(5, 11)


def test_a_logout_meanwhile_is_told(kit: Sandbox, grants: GrantFile, enter: Callable[[], KitCrm]) -> None:
    crm = enter()
    kit.expire_tokens()
    with grants.ending():
        pass
    with pytest.raises(LoggedOut):
        crm.account()


def test_another_login_meanwhile_is_taken_up(kit: Sandbox, grants: GrantFile, enter: Callable[[], KitCrm]) -> None:
    crm, old = enter(), grants.tokens()
    assert old is not None
    Issuer(api_url=kit.url, clock=SystemClock(), limits=DEFAULT_LIMITS).revoke(old)
    log_in(kit, grants._home.path)
    assert crm.account().id == 9


def test_what_kit_says_of_a_renewal_shows_nothing_secret(wire: Wire, clock: FakeClock) -> None:
    known = Client("app", Secret("app-secret"))
    for error, kind in (("invalid_grant", LoginEnded), ("invalid_client", ClientRefused)):
        crm = client(wire.url, Shelf(pair("old", renew=0, expires=0, client=known), clock), clock)
        wire.reply(400, {"error": error, "error_description": "no refresh-old of app-secret"})
        with pytest.raises(kind) as caught:
            crm.account()
        assert "refresh-old" not in str(caught.value) + repr(vars(caught.value))
        assert "app-secret" not in str(caught.value) + repr(vars(caught.value))
    assert "access-old" not in repr(vars(crm)) + repr(vars(crm._calls)) + repr(vars(crm._calls._access))
    wire.reply(401, {"errors": ["no access-old, refresh-old"]})
    with pytest.raises(KeyRefused, match=r"no \*\*\*, \*\*\*"):
        client(wire.url, Shelf(pair("old"), clock), clock).account()


def test_tokens_are_asked_for_without_a_credential_in_the_header(wire: Wire, clock: FakeClock) -> None:
    wire.reply(200, issued("new")).reply(200, ACCOUNT)
    client(wire.url, Shelf(pair("old", renew=0, expires=0), clock), clock).account()
    assert (wire.asked[0].target, "authorization" in wire.asked[0].headers) == (TOKEN, False)
