"""`ccops serve` is killed while it takes posts and works them off: whatever it accepted counts exactly once."""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from ccops.sandbox.sandbox import Sandbox
from ccops.secret import Secret
from ccops.server.hooks import sign
from tests.fire.conftest import OPERATIONS, RECEIPT, Place
from tests.fire.receivers import KIT_SECRET, OPERATION, SECRET, Receiver, Shop, patience

pytestmark = pytest.mark.slow


@pytest.fixture
def busy_place(tmp_path: Path) -> Iterator[Place]:
    """A home and a Kit that keeps no record of thousands of exchanges."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    (path / "operations.toml").write_text(OPERATIONS)
    with Sandbox(keep_exchanges=1) as kit:
        kit.add_field("ccops receipt")
        ledger = Ledger.create(path / "ledger.sqlite3", path / "locks")
        ledger.identity.found(9, "Ann's Studio", RECEIPT)
        ledger.close()
        yield Place(kit, path)


@pytest.fixture
def receive(busy_place: Place) -> Iterator[Callable[[], Receiver]]:
    """Start receivers that end with the test, however it ends."""
    started: list[Receiver] = []

    def start() -> Receiver:
        started.append(Receiver(busy_place))
        return started[-1]

    yield start
    for receiver in started:
        receiver.process.kill()
        receiver.process.wait()


def emails_of(place: Place, count: int) -> list[str]:
    emails = [f"member{number}@example.org" for number in range(count)]
    for email in emails:
        place.kit.add_contact(email, credits="5")
    return emails


def post_while_it_is_killed(receiver: Receiver, posts: int, shops: int, kills: int, contacts: int) -> None:
    """Let shops post while the receiver is killed, then demand that each accepted post counts once, and none twice."""
    emails = emails_of(receiver.place, contacts)
    receiver.ask("GET", "/healthz")
    all_shops = [Shop(receiver, f"shop{n}", emails, posts // shops, repeats=n % 2 == 0) for n in range(shops)]
    threads = [threading.Thread(target=shop.run) for shop in all_shops]
    for thread in threads:
        thread.start()
    for number in range(1, kills + 1):
        for _ in patience(600):
            if sum(shop.accepted.total() for shop in all_shops) >= posts * number // (kills + 2):
                break
        assert any(thread.is_alive() for thread in threads)
        receiver.kill()
    for thread in threads:
        thread.join()
    receiver.await_idle()
    assert receiver.kills == kills
    check(receiver.place, all_shops)


def check(place: Place, shops: list[Shop]) -> None:
    accepted = sum((shop.accepted for shop in shops), Counter[str]())
    sent = sum((shop.sent for shop in shops), Counter[str]())
    assert [shop.odd for shop in shops] == [[]] * len(shops)
    assert accepted.total() > 0
    for email in sent:
        contact = place.kit.contact_id(email)
        changes = len(place.kit.writes(contact))
        assert accepted[email] <= changes <= sent[email]
        assert place.kit.field_values(contact)["credits"] == str(5 + 10 * changes)
    for shop in shops:
        if shop.repeats:
            assert shop.accepted == shop.sent


def test_posts_accepted_while_it_is_killed_count_exactly_once(receive: Callable[[], Receiver]) -> None:
    receiver = receive()
    post_while_it_is_killed(receiver, posts=300, shops=10, kills=2, contacts=20)
    assert receiver.stop() == 0


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_ten_thousand_posts_from_twenty_connections_and_five_kills(receive: Callable[[], Receiver]) -> None:
    receiver = receive()
    post_while_it_is_killed(receiver, posts=10_000, shops=20, kills=5, contacts=200)
    assert receiver.stop() == 0


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_memory_stays_flat(receive: Callable[[], Receiver]) -> None:
    """Once a first thousand has filled what is kept at hand, thousands more take nothing."""
    receiver = receive()
    emails, held = emails_of(receiver.place, 200), list[int]()
    for name in ("first", "second", "third", "fourth"):
        shops = [Shop(receiver, f"{name}{n}", emails, 50, repeats=True) for n in range(20)]
        threads = [threading.Thread(target=shop.run) for shop in shops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        receiver.await_idle()
        held.append(receiver.memory())
    assert held[-1] - held[0] < 4_000, held  # KiB


def test_a_hundred_events_in_one_delivery_survive_a_crash_after_37(
    busy_place: Place, receive: Callable[[], Receiver]
) -> None:
    kit = busy_place.kit
    emails = emails_of(busy_place, 100)
    contacts = [kit.contact_id(email) for email in emails]
    tag = kit.add_tag("ccops: payment-credit")
    registry = busy_place.path / "operations.toml"
    bound = f'[operations.{OPERATION}]\ntag = {{ id = {tag}, name = "ccops: payment-credit" }}'
    registry.write_text(OPERATIONS.replace(f"[operations.{OPERATION}]", bound))
    for contact in contacts:
        kit.tag(contact, tag)
    receiver = receive()
    writes, answered = count(1), threading.Event()

    def kill(phase: str, method: str, _path: str) -> None:
        if (phase, method) == ("before", "PUT"):
            answered.wait(120)  # the delivery is one that was accepted, however slowly that answer travels
        if (phase, method) == ("after", "PUT") and next(writes) == 37:
            os.kill(receiver.process.pid, signal.SIGKILL)

    kit.on_request = kill
    body = delivery(tag, contacts)
    assert receiver.ask("POST", "/kit", body, signed(body)) == (202, {"accepted": 100, "repeated": 0, "passed_over": 0})
    answered.set()
    receiver.process.wait(120)
    receiver.kill()
    assert receiver.ask("POST", "/kit", body, signed(body)) == (200, {"accepted": 0, "repeated": 100, "passed_over": 0})
    receiver.await_idle()
    assert receiver.stop() == 0
    assert {kit.field_values(contact)["credits"] for contact in contacts} == {"15"}
    assert {len(kit.writes(contact)) for contact in contacts} == {1}
    assert not any(kit.tags_of(contact) for contact in contacts)


def delivery(tag: int, contacts: list[int]) -> bytes:
    created = datetime.now(UTC).isoformat()
    events = [
        {
            "id": f"event-{contact}",
            "type": "subscriber.tag_added",
            "created": created,
            "data": {"subscriber": {"id": contact}, "tag": {"id": tag}},
        }
        for contact in contacts
    ]
    return json.dumps({"delivery_id": 81, "events": events}).encode()


def signed(body: bytes) -> dict[str, str]:
    return {"X-Kit-Signature": sign(body, Secret(KIT_SECRET), datetime.now(UTC))}


def test_no_secret_is_printed(receive: Callable[[], Receiver]) -> None:
    receiver = receive()
    receiver.ask("POST", f"/kit/{OPERATION}/{SECRET}", b'{"subscriber": {"id": 1}}')
    receiver.ask("POST", f"/operations/{OPERATION}?key={SECRET}", b"id=1&event_id=1", {})
    assert receiver.stop() == 0
    said = receiver.log.read_text()
    assert f"POST /kit/{OPERATION}/*** 202" in said
    assert SECRET not in said
    assert KIT_SECRET not in said
