"""Devices that are not there are woken by a call: by a signed webhook that tells nothing of it."""

import hashlib
import hmac
import json
import os
import time

import pytest
from godwit_e2e.calls import answer, end, establish, place, wait_change, wait_end, wait_offer
from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import add_contacts, refused, set_privacy
from godwit_e2e.http_server import HttpServer

SECRET = os.urandom(16).hex()
OFFER = b"the offer, which is nobody's business"


class Gateway:
    """The operator's push gateway: keeps what it is given, after checking who gives it."""

    def __init__(self):
        self.bodies = []
        self.refused = []
        self.failures = 0  # answered with an error before it works

    def answer(self, method, path, headers, body):
        expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if method != "POST" or path != "/wake" or headers.get("Godwit-Signature") != expected:
            self.refused.append((method, path, dict(headers)))
            return 403, b"{}"
        if self.failures > 0:
            self.failures -= 1
            return 503, b"{}"
        self.bodies.append(body)
        return 200, b"{}"

    def wait(self, count=1):
        wait_until(lambda: len(self.bodies) >= count or self.refused, what="the wake-up")
        assert not self.refused, f"not signed as agreed: {self.refused}"
        return [json.loads(body) for body in self.bodies]


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def waking(daemons, gateway):
    """A daemon that wakes up through the gateway, and rings for three seconds."""
    with HttpServer(gateway.answer) as server:
        settings = {
            "push.webhook_url": server.url + "/wake",
            "push.webhook_secret": SECRET,
            "call.ring_s": 3,
        }
        daemon = daemons(settings).start()
        yield daemon
        daemon.kill()


def nothing_woken(gateway, daemon, crowd, seconds=0.5):
    """True when nothing has come, after a wake-up for somebody else that would have come later."""
    time.sleep(seconds)
    before = len(gateway.bodies)
    alice, sleeper = crowd.new(daemon), daemon.register()
    place(alice, sleeper)
    woken = gateway.wait(before + 1)
    return [str(one["user"]) for one in woken] == [str(sleeper.user_id)]


@pytest.mark.smoke
def test_sleeping_user_is_woken(waking, gateway, crowd):
    alice, bob = crowd.new(waking), waking.register()
    call = place(alice, bob)
    (told,) = gateway.wait()
    assert told["event"] == "call" and told["urgency"] == "high"
    assert str(told["user"]) == str(bob.user_id)
    assert told["devices"] == [bob.device_id]
    assert told["collapse"] == call.id.hex()
    assert told["expires_s"] == 3


def test_it_tells_nothing_of_the_call(waking, gateway, crowd):
    alice, bob = crowd.new(waking), waking.register()
    place(alice, bob, OFFER, kind="VIDEO")
    (told,) = gateway.wait()
    assert set(told) == {"event", "urgency", "user", "devices", "collapse", "expires_s"}
    assert str(alice.device.user_id).encode() not in gateway.bodies[0]
    for content in (OFFER, b"VIDEO", alice.device.handle.encode()):
        assert content not in gateway.bodies[0]


def test_only_devices_that_are_not_there_are_named(waking, gateway, crowd):
    alice, bob = crowd.pair(waking)
    laptop = waking.link(bob)
    call = place(alice, bob)
    assert call.devices == 1
    wait_offer(bob, call.id)
    (told,) = gateway.wait()
    assert told["devices"] == [laptop.device_id]


def test_user_who_is_there_with_all_devices_is_not_woken(waking, gateway, crowd):
    establish(*crowd.pair(waking))
    assert nothing_woken(gateway, waking, crowd)


def test_woken_device_answers(waking, gateway, crowd):
    alice, bob = crowd.new(waking), waking.register()
    call = place(alice, bob)
    gateway.wait()
    woken = crowd.login(bob, waking)
    assert wait_offer(woken, call.id).offer == b"offer"
    answer(woken, call.id, alice)
    wait_change(alice, call.id, "ACTIVE")


@pytest.mark.smoke
def test_blocker_is_not_woken(waking, gateway, crowd):
    alice, bob = crowd.pair(waking)
    waking.link(bob)
    bob.block(alice.device)
    bob.close()
    call = place(alice, bob)
    assert call.devices == 0
    assert nothing_woken(gateway, waking, crowd)


def test_refused_calls_wake_nobody(waking, gateway, crowd):
    alice, bob = crowd.pair(waking)
    set_privacy(bob, askFirst=True)
    bob.close()
    with refused("consent_needed"):
        place(alice, bob)
    with refused("user_not_found"):
        place(alice, 77)
    with refused("too_large"):
        place(alice, bob, bytes(32769))
    assert nothing_woken(gateway, waking, crowd)


def test_contact_of_who_asks_first_wakes(waking, gateway, crowd):
    alice, bob = crowd.pair(waking)
    set_privacy(bob, askFirst=True)
    add_contacts(bob, alice)
    bob.close()
    wait_until(lambda: place_again(alice, bob).devices == 0, what="the end of the connection")
    assert str(gateway.wait()[0]["user"]) == str(bob.device.user_id)


def place_again(alice, bob):
    call = place(alice, bob)
    if call.devices:
        end(alice, call.id, bob)
    return call


def test_gateway_that_fails_is_asked_again(waking, gateway, crowd):
    gateway.failures = 1
    alice, bob = crowd.new(waking), waking.register()
    call = place(alice, bob)
    (told,) = gateway.wait()
    assert told["collapse"] == call.id.hex() and gateway.failures == 0


def test_gateway_that_is_not_there_delays_nobody(daemons, crowd):
    settings = {"push.webhook_url": "http://127.0.0.1:9/wake", "push.webhook_secret": SECRET}
    daemon = daemons({**settings, "call.ring_s": 1}).start()
    alice, bob = crowd.new(daemon), daemon.register()
    for _ in range(3):
        call = place(alice, bob)
        assert wait_end(alice, call.id) == "NOT_ANSWERED"
    establish(*crowd.pair(daemon))


def test_secret_is_not_logged(waking, gateway, crowd):
    alice, bob = crowd.new(waking), waking.register()
    place(alice, bob, OFFER)
    gateway.wait()
    assert SECRET not in waking.log_text() and OFFER.decode() not in waking.log_text()
