"""A call between two users: offered, ringing, answered, signaled, ended."""

import os
import time

import pytest
from godwit_e2e.calls import (
    Record, answer, end, establish, get_call, place, records, ref, ring, signal, signal_body, wait_change,
    wait_end, wait_offer, wait_record, wait_signal,
)  # fmt: skip
from godwit_e2e.groups import list_chats, refused
from godwit_e2e.identity import b64, now_ms


@pytest.fixture
def pair(folk):
    return folk.pair()


@pytest.fixture
def ringing(pair):
    """Alice, who calls, Bob, who is called, and the call."""
    alice, bob = pair
    call = place(alice, bob).id
    wait_offer(bob, call)
    return alice, bob, call


@pytest.fixture
def active(pair):
    """Alice, who called, Bob, who answered, and the call."""
    return (*pair, establish(*pair))


# Step by step


@pytest.mark.smoke
def test_call_from_the_offer_to_the_end(pair):
    alice, bob = pair
    call = place(alice, bob, b"offer of Alice", kind="VIDEO")
    assert 44_000 < call.ring_ms <= 45_000 and (call.devices, call.instead) == (1, b"")
    offer = wait_offer(bob, call.id)
    assert (offer.caller, offer.device) == ref(alice)
    assert (offer.kind, offer.offer) == ("VIDEO", b"offer of Alice")
    assert 0 < offer.ring_ms <= 45_000
    assert ring(bob, call.id, alice) == {}
    assert wait_change(alice, call.id, "RINGING").peer == bob.device.user_id
    assert answer(bob, call.id, alice, b"answer of Bob") == {}
    active = wait_change(alice, call.id, "ACTIVE")
    assert (active.peer, active.device, active.answer) == (*ref(bob), b"answer of Bob")
    signal(alice, call.id, bob, b"one", b"two")
    heard = wait_signal(bob, call.id)
    assert (heard.sender, heard.device, heard.kind) == (*ref(alice), "CANDIDATES")
    assert heard.payloads == (b"one", b"two") and heard.chat == b""
    assert end(bob, call.id, alice) == {}
    assert wait_end(alice, call.id) == "HUNG_UP"
    for client, other in ((alice, bob), (bob, alice)):
        with refused("call_not_found"):
            get_call(client, other)


def test_call_without_a_sign_of_ringing_can_be_answered(pair):
    establish(*pair)


def test_both_sides_see_the_state_of_the_call(pair):
    alice, bob = pair
    before = now_ms()
    call = place(alice, bob, kind="VIDEO").id
    for client, other in ((alice, bob), (bob, alice)):
        state = get_call(client, other)
        assert (state.id, state.peer, state.phase) == (call, other.device.user_id, "CALLING")
        assert (state.kind, state.caller) == ("VIDEO", alice.device.user_id)
        assert before - 5_000 <= state.placed_ms <= now_ms() + 5_000
    ring(bob, call, alice)
    assert get_call(alice, bob).phase == "RINGING"
    answer(bob, call, alice)
    for client, other in ((alice, bob), (bob, alice)):
        state = get_call(client, other)
        assert state.phase == "ACTIVE"
        assert state.connected == {ref(alice): True, ref(bob): True}


def test_ringing_twice_is_told_once(ringing):
    alice, bob, call = ringing
    ring(bob, call, alice)
    wait_change(alice, call, "RINGING")
    ring(bob, call, alice)
    assert [push for push in alice.take_pushes("callChanged") if push.get("phase") == "RINGING"] == []


@pytest.mark.parametrize("kind", ["CANDIDATES", "NEW_OFFER", "NEW_ANSWER", "INFO"])
def test_signals_of_all_kinds_go_both_ways(active, kind):
    alice, bob, call = active
    for sender, receiver in ((alice, bob), (bob, alice)):
        assert signal(sender, call, receiver, b"opaque", kind=kind) == {}
        heard = wait_signal(receiver, call)
        assert (heard.sender, heard.device) == ref(sender)
        assert (heard.kind, heard.payloads) == (kind, (b"opaque",))


def test_renegotiation_is_passed_on_in_order(active):
    alice, bob, call = active
    for number in range(20):
        signal(alice, call, bob, b"%d" % number, kind="NEW_OFFER")
        signal(bob, call, alice, b"%d" % number, kind="NEW_ANSWER")
    assert [wait_signal(bob, call).payloads for _ in range(20)] == [(b"%d" % n,) for n in range(20)]
    assert [wait_signal(alice, call).payloads for _ in range(20)] == [(b"%d" % n,) for n in range(20)]


def test_signals_as_notices_are_not_answered(active):
    alice, bob, call = active
    alice.notice(signalCall=signal_body(call, bob, [b"x"]))
    wait_signal(bob, call)
    assert alice.take_pushes("error") == []


def test_payloads_are_passed_on_byte_for_byte(pair):
    alice, bob = pair
    offer, reply, candidates = os.urandom(32768), os.urandom(32768), [os.urandom(1000) for _ in range(32)]
    call = place(alice, bob, offer).id
    assert wait_offer(bob, call).offer == offer
    answer(bob, call, alice, reply)
    assert wait_change(alice, call, "ACTIVE").answer == reply
    signal(bob, call, alice, *candidates)
    assert wait_signal(alice, call).payloads == tuple(candidates)


def test_early_candidates_of_the_caller_wait_for_the_answer(ringing):
    alice, bob, call = ringing
    signal(alice, call, bob, b"first", b"second")
    signal(alice, call, bob, b"third")
    assert bob.take_pushes("callSignaled") == []
    answer(bob, call, alice)
    heard = [wait_signal(bob, call) for _ in range(2)]
    assert [payload for one in heard for payload in one.payloads] == [b"first", b"second", b"third"]
    assert (heard[0].sender, heard[0].device) == ref(alice)


def test_callee_cannot_signal_before_the_answer(ringing):
    alice, bob, call = ringing
    ring(bob, call, alice)
    with refused("wrong_call_state"):
        signal(bob, call, alice, b"too early")
    assert alice.take_pushes("callSignaled") == []
    answer(bob, call, alice)
    signal(bob, call, alice, b"now")
    assert wait_signal(alice, call).payloads == (b"now",)


# How it ends


@pytest.mark.smoke
@pytest.mark.parametrize("reason", ["REJECTED", "BUSY"])
def test_callee_rejects(ringing, reason):
    alice, bob, call = ringing
    end(bob, call, alice, reason)
    assert wait_end(alice, call) == reason
    for client in (alice, bob):
        record = wait_record(client, call)
        assert (record.reason, record.duration_s, record.caller) == (reason, 0, alice.device.user_id)


@pytest.mark.parametrize("said", ["HUNG_UP", "CANCELLED", "FAILED"])
def test_caller_cancels(ringing, said):
    alice, bob, call = ringing
    end(alice, call, bob, said)
    assert wait_end(bob, call) == "CANCELLED", "what the caller ends before the answer"
    assert wait_record(bob, call).reason == "CANCELLED"
    with refused("call_not_found"):
        answer(bob, call, alice)


@pytest.mark.parametrize("reason", ["HUNG_UP", "FAILED"])
@pytest.mark.parametrize("by", ["caller", "callee"])
def test_either_side_ends_an_active_call(active, reason, by):
    alice, bob, call = active
    ending, other = (alice, bob) if by == "caller" else (bob, alice)
    end(ending, call, other, reason)
    assert wait_end(other, call) == reason
    for client in (alice, bob):
        record = wait_record(client, call)
        assert (record.reason, record.caller) == (reason, alice.device.user_id)


@pytest.mark.smoke
def test_call_that_is_not_answered_ends_and_is_missed(hasty, crowd):
    alice, bob = crowd.pair(hasty)
    call = place(alice, bob)
    assert 0 < call.ring_ms <= 1000
    wait_offer(bob, call.id)
    for client in (alice, bob):
        assert wait_end(client, call.id) == "NOT_ANSWERED"
        assert wait_record(client, call.id).reason == "NOT_ANSWERED"
    with refused("call_not_found"):
        answer(bob, call.id, alice)


def test_user_who_is_away_finds_the_missed_call(hasty, crowd):
    alice, bob = crowd.new(hasty), hasty.register()
    call = place(alice, bob)
    assert call.devices == 0
    assert wait_end(alice, call.id) == "NOT_ANSWERED"
    wait_record(alice, call.id)
    back = crowd.login(bob, hasty)
    record = wait_record(back, call.id)
    assert record == Record(call.id, "AUDIO", "NOT_ANSWERED", 0, 0, alice.device.user_id, record.message_id)
    assert record.message_id != call.id, "which the caller chose"
    assert back.take_pushes("callOffered") == [], "it rings no more"


def test_record_tells_how_long_it_was(active):
    alice, bob, call = active
    time.sleep(1.2)
    end(alice, call, bob)
    record = wait_record(bob, call)
    assert record.reason == "HUNG_UP" and 1 <= record.duration_s <= 20


def test_record_is_the_calls_and_on_all_devices(pair, folk):
    alice, bob = pair
    laptops = [folk.login(folk.daemon.link(client)) for client in pair]
    call = place(alice, bob, kind="VIDEO").id
    wait_offer(bob, call)
    end(bob, call, alice, "REJECTED")
    told = [wait_record(device, call) for device in (alice, bob, *laptops)]
    assert told == [Record(call, "VIDEO", "REJECTED", 0, 0, alice.device.user_id, told[0].message_id)] * 4


def test_first_call_makes_the_chat(pair):
    alice, bob = pair
    call = place(alice, bob).id
    end(alice, call, bob, "CANCELLED")
    for device in (alice, bob):
        wait_record(device, call)
    assert bob.device.user_id in list_chats(alice) and alice.device.user_id in list_chats(bob)
    assert bob.send(alice, b"I missed you") > 1


@pytest.mark.parametrize("how", ["stop", "kill", "checkpoint and kill"])
def test_history_of_calls_outlives_a_restart(daemon, crowd, how):
    alice, bob = crowd.pair(daemon)
    calls = []
    for reason in ("REJECTED", "BUSY"):
        calls.append(place(alice, bob).id)
        wait_offer(bob, calls[-1])
        end(bob, calls[-1], alice, reason)
        wait_record(alice, calls[-1])
    calls.append(establish(bob, alice))
    end(alice, calls[-1], bob)
    wait_record(bob, calls[-1])
    if how == "stop":
        daemon.stop()
        daemon.start()
    else:
        if how == "checkpoint and kill":
            daemon.checkpoint()
        daemon.restart()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    for client, other in ((alice, bob), (bob, alice)):
        told = records(client, other)
        assert [record.id for record in told] == calls
        assert [record.reason for record in told] == ["REJECTED", "BUSY", "HUNG_UP"]


def test_calls_under_way_are_gone_after_a_restart_and_can_be_placed_again(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    call = establish(alice, bob)
    daemon.restart()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    with refused("call_not_found"):
        get_call(alice, bob)
    with refused("call_not_found"):
        end(bob, call, alice)
    establish(alice, bob)


def test_nothing_of_a_call_is_written_but_its_record(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    secret = os.urandom(32)
    before = daemon.metric("godwit_journal_records_total")
    call = place(alice, bob, secret).id
    wait_offer(bob, call)
    ring(bob, call, alice)
    answer(bob, call, alice, secret)
    wait_change(alice, call, "ACTIVE")
    for _ in range(10):
        signal(alice, call, bob, secret)
        wait_signal(bob, call)
    assert daemon.metric("godwit_journal_records_total") == before
    end(alice, call, bob)
    wait_record(bob, call)
    daemon.checkpoint()
    assert daemon.files_with(secret) == []
    assert b64(secret) not in daemon.log_text()
