"""Calls are bounded: how often one calls, how many ring, how many there are, how long, how much is said."""

import time

import pytest
from godwit_e2e.calls import (
    answer, end, establish, get_call, place, place_body, signal, signal_body, wait_change, wait_end,
    wait_offer, wait_record, wait_signal,
)  # fmt: skip
from godwit_e2e.client import ServerError
from godwit_e2e.groups import refused


def test_calls_of_a_minute_are_limited(daemons, crowd):
    daemon = daemons({"call.invites_per_minute": 3}).start()
    alice, bob = crowd.pair(daemon)
    for _ in range(3):
        end(alice, place(alice, bob).id, bob)
    with refused("rate_limited") as caught:
        place(alice, bob)
    assert caught[0].retryable and 0 < caught[0].retry_after_ms <= 60_000
    establish(bob, alice)


def test_limit_is_the_users_on_all_devices(daemons, crowd):
    daemon = daemons({"call.invites_per_minute": 2}).start()
    alice, bob = crowd.pair(daemon)
    laptop = crowd.login(daemon.link(alice), daemon)
    for device in (alice, laptop):
        end(device, place(device, bob).id, bob)
    for device in (alice, laptop):
        with refused("rate_limited"):
            place(device, bob)


def test_same_call_again_is_not_counted(daemons, crowd):
    daemon = daemons({"call.invites_per_minute": 2}).start()
    alice, bob = crowd.pair(daemon)
    body = place_body(bob)
    first = alice.request(placeCall=body)
    for _ in range(5):
        again = alice.request(placeCall=body)
        assert again.get("devices") == first.get("devices")


@pytest.mark.smoke
def test_thousand_invites_a_second_ring_few_and_disturb_nobody(daemon, crowd):
    alice, bob, carol = (crowd.new(daemon) for _ in range(3))
    users = daemon.register_many(50)
    outcomes = {}
    for first in range(0, 1000, 250):
        requests = [alice.start(placeCall=place_body(users[n % 50])) for n in range(first, first + 250)]
        for request in requests:
            try:
                alice.result(request)
                code = "placed"
            except ServerError as error:
                code = error.code
            outcomes[code] = outcomes.get(code, 0) + 1
    assert sum(outcomes.values()) == 1000
    assert outcomes.pop("placed") <= 35
    assert outcomes.pop("rate_limited") >= 900
    assert set(outcomes) <= {"call_exists"}
    establish(bob, carol)
    bob.send(carol, b"undisturbed")
    carol.receive_until(b"undisturbed")


def test_one_user_rings_for_so_many_only(daemons, crowd):
    daemon = daemons({"call.max_ringing": 1}).start()
    alice, bob, carol = (crowd.new(daemon) for _ in range(3))
    first = place(alice, bob).id
    wait_offer(bob, first)
    second = place(carol, bob).id
    assert wait_end(carol, second) == "BUSY"
    assert wait_record(carol, second).reason == "BUSY"
    assert bob.take_pushes("callOffered") == []
    answer(bob, first, alice)
    wait_change(alice, first, "ACTIVE")
    third = place(carol, bob).id
    assert wait_offer(bob, third).caller == carol.device.user_id, "what is answered rings no more"


def test_calls_of_the_server_are_bounded(daemons, crowd):
    daemon = daemons({"call.max_calls": 1, "server.workers": 1}).start()
    alice, bob, carol, dave = (crowd.new(daemon) for _ in range(4))
    call = establish(alice, bob)
    with refused("overloaded") as caught:
        place(carol, dave)
    assert caught[0].retryable
    assert dave.take_pushes("callOffered") == []
    end(alice, call, bob)
    wait_end(bob, call)
    establish(carol, dave)


def test_call_that_lasts_too_long_ends(daemons, crowd):
    daemon = daemons({"call.max_duration_s": 1}).start()
    alice, bob = crowd.pair(daemon)
    call = establish(alice, bob)
    for client in (alice, bob):
        assert wait_end(client, call) == "TOO_LONG"
        assert wait_record(client, call).reason == "TOO_LONG"
    with refused("call_not_found"):
        signal(alice, call, bob, b"x")


def test_signals_are_limited(daemons, crowd):
    daemon = daemons({"call.signals_per_s": 2}).start()
    alice, bob = crowd.pair(daemon)
    call = establish(alice, bob)
    served, error = 0, None
    requests = [alice.start(signalCall=signal_body(call, bob, [b"x"])) for _ in range(100)]
    for request in requests:
        try:
            alice.result(request)
            served += 1
        except ServerError as caught:
            error = caught
    assert error.code == "rate_limited" and error.retryable and error.retry_after_ms > 0
    assert 8 <= served <= 40, "four times as many at once, and what comes in meanwhile"
    for _ in range(served):
        wait_signal(bob, call)
    signal(bob, call, alice, b"the other side is not limited by it")
    wait_signal(alice, call)
    time.sleep(error.retry_after_ms / 1000 + 0.1)
    signal(alice, call, bob, b"x")


def test_payload_bound_is_configured(daemons, crowd):
    daemon = daemons({"call.max_payload_bytes": 1024}).start()
    alice, bob = crowd.pair(daemon)
    with refused("too_large"):
        place(alice, bob, bytes(1025))
    call = place(alice, bob, bytes(1024)).id
    wait_offer(bob, call)
    with refused("too_large"):
        answer(bob, call, alice, bytes(1025))
    answer(bob, call, alice, bytes(1024))
    with refused("too_large"):
        signal(alice, call, bob, bytes(600), bytes(600))
    signal(alice, call, bob, bytes(512), bytes(512))
    wait_signal(bob, call)


def test_ring_time_counts_from_the_call(daemons, crowd):
    daemon = daemons({"call.ring_s": 3}).start()
    alice, bob = crowd.new(daemon), daemon.register()
    call = place(alice, bob)
    time.sleep(1)
    late = crowd.login(bob, daemon)
    assert 0 < wait_offer(late, call.id).ring_ms <= 2000
    assert wait_end(late, call.id) == "NOT_ANSWERED"


def test_answered_call_does_not_end_with_the_ring_time(daemons, crowd):
    daemon = daemons({"call.ring_s": 1}).start()
    alice, bob = crowd.pair(daemon)
    call = establish(alice, bob)
    time.sleep(1.5)
    assert get_call(alice, bob).phase == "ACTIVE"
    assert alice.take_pushes("callChanged") == []


def test_many_calls_at_once_go_their_way(daemons, crowd):
    daemon = daemons({"call.invites_per_minute": 0}).start()
    devices = daemon.register_many(40)
    clients = [crowd.login(device, daemon) for device in devices]
    pairs = list(zip(clients[::2], clients[1::2]))
    calls = [place(alice, bob).id for alice, bob in pairs]
    for (alice, bob), call in zip(pairs, calls):
        wait_offer(bob, call)
        answer(bob, call, alice)
        signal(bob, call, alice, call)
    for (alice, bob), call in zip(pairs, calls):
        wait_change(alice, call, "ACTIVE")
        assert wait_signal(alice, call).payloads == (call,)
        end(alice, call, bob)
        assert wait_end(bob, call) == "HUNG_UP"
