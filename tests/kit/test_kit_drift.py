"""How wrong this machine's clock is, told by the `Date` of an answer: the way of the answer is no mistake of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.crm.http.exchange import HttpLimits, least_ahead
from ccops.crm.http.rate_limit import NoRateLimit
from ccops.crm.kit.client import KitCrm
from ccops.errors import ServiceUnreachable
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from ccops.secret import Secret

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class StandingClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def seconds(sent: float, received: float, date: float) -> float:
    moments = (NOON + timedelta(seconds=at) for at in (sent, received, date))
    return least_ahead(*moments).total_seconds()


@pytest.mark.parametrize(
    ("sent", "received", "date", "ahead"),
    [
        (0, 0.2, 0, 0),
        (0.9, 1.1, 0, 0),  # the second is not over
        (0, 29, 29, 0),  # long on its way there
        (0, 29, 0, 0),  # or back
        (90, 90.2, 0, 89),
        (0, 0.2, 90, -89.8),
        (29, 0, 15, 0),  # our clock was set back meanwhile
    ],
)
def test_only_what_the_way_and_whole_seconds_do_not_explain_is_drift(
    sent: float, received: float, date: float, ahead: float
) -> None:
    assert seconds(sent, received, date) == pytest.approx(ahead)


spans = st.floats(0, 1e6)


@given(there=spans, back=spans, begun=st.floats(0, 0.999999))
def test_a_right_clock_never_drifts_however_long_an_answer_takes(there: float, back: float, begun: float) -> None:
    answered = NOON + timedelta(seconds=begun)
    sent, received = answered - timedelta(seconds=there), answered + timedelta(seconds=back)
    assert least_ahead(sent, received, NOON) == timedelta()


@given(there=spans, back=spans, wrong=st.floats(-1e8, 1e8))
def test_a_clock_is_never_said_to_be_more_wrong_than_it_is(there: float, back: float, wrong: float) -> None:
    sent, received = (NOON + timedelta(seconds=wrong + way) for way in (-there, back))
    ahead = least_ahead(sent, received, NOON).total_seconds()
    assert abs(ahead) <= abs(wrong) + 1e-3
    assert ahead * wrong >= 0


def test_every_answer_tells_by_how_much_the_clock_is_ahead(kit: Sandbox) -> None:
    clock, theirs = StandingClock(), StandingClock()
    kit.settings.clock = theirs.now
    with KitCrm(Secret(kit.settings.key), api_url=kit.url, pacer=NoRateLimit(), clock=clock) as crm:
        assert crm.clock_ahead is None
        crm.account()
        assert crm.clock_ahead == timedelta()
        clock.sleep(3600)
        crm.account()
        assert crm.clock_ahead == timedelta(seconds=3599)
        theirs.sleep(7200)
        crm.account()
        assert crm.clock_ahead == timedelta(seconds=-3600)


def test_whoever_fails_in_kits_place_is_not_believed(kit: Sandbox) -> None:
    clock = StandingClock()
    kit.faults.add(Fault("status", "GET", "/v4/account", status=503, times=None))
    with (
        KitCrm(
            Secret(kit.settings.key), api_url=kit.url, pacer=NoRateLimit(), clock=clock, limits=HttpLimits(patience=1)
        ) as crm,
        pytest.raises(ServiceUnreachable),
    ):
        crm.account()
    assert crm.clock_ahead is None
