"""A call between two users: offered, ringing, answered, signaled, ended; what remains is an entry in the chat."""

import json
import os
import re
import time

import pytest
from godwit_e2e.calls import (
    Record, answer, answer_body, direct_chat_id, end, establish, get_call, named, place, place_body, placed,
    records, ref, ring, signal, signal_body, wait_change, wait_end, wait_offer, wait_record, wait_signal,
)  # fmt: skip
from godwit_e2e.client import ServerError, chat_or_peer
from godwit_e2e.daemon import Daemon
from godwit_e2e.groups import add_contacts, list_chats, refused, set_privacy
from godwit_e2e.identity import b64, message_id, now_ms


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


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A daemon whose calls ring for a second."""
    daemon = Daemon(tmp_path_factory.mktemp("hasty"), {"call.ring_s": 1}).start()
    yield daemon
    daemon.kill()


# Step by step


@pytest.mark.smoke
def test_call_from_the_offer_to_the_end(pair):
    alice, bob = pair
    call = place(alice, bob, b"offer of Alice", kind="VIDEO")
    assert (call.ring_ms, call.devices, call.instead) == (45_000, 1, b"")
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
    assert call.ring_ms == 1000
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
    assert record == Record(call.id, "AUDIO", "NOT_ANSWERED", 0, 0, alice.device.user_id, call.id)
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
    expected = Record(call, "VIDEO", "REJECTED", 0, 0, alice.device.user_id, call)
    for device in (alice, bob, *laptops):
        assert wait_record(device, call) == expected


def test_first_call_makes_the_chat(pair):
    alice, bob = pair
    call = place(alice, bob).id
    end(alice, call, bob, "CANCELLED")
    wait_record(bob, call)
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


# The same again, glare


@pytest.mark.smoke
def test_same_id_again_finds_the_same_call(pair):
    alice, bob = pair
    body = place_body(bob)
    first = placed(body, alice.request(placeCall=body))
    assert placed(body, alice.request(placeCall=body)).instead == first.instead == b""
    wait_offer(bob, first.id)
    assert bob.take_pushes("callOffered") == [], "it rings once"
    answer(bob, first.id, alice)
    wait_change(alice, first.id, "ACTIVE")


def test_call_that_comes_second_is_told_of_the_first(pair):
    alice, bob = pair
    first = place(alice, bob).id
    second = place(bob, alice)
    assert second.instead == first
    assert alice.take_pushes("callOffered") == [], "the second is none"
    wait_offer(bob, first)
    answer(bob, first, alice)
    assert wait_change(alice, first, "ACTIVE").device == bob.device.device_id
    with refused("call_not_found"):
        answer(alice, second.id, bob)


def test_calls_at_the_same_time_become_one(folk):
    alice, bob = folk.pair()
    for _ in range(20):
        bodies = place_body(bob), place_body(alice)
        requests = alice.start(placeCall=bodies[0]), bob.start(placeCall=bodies[1])
        told = placed(bodies[0], alice.result(requests[0])), placed(bodies[1], bob.result(requests[1]))
        assert sorted(bool(one.instead) for one in told) == [False, True]
        (stands,) = [one.id for one in told if not one.instead]
        (other,) = [one for one in told if one.instead]
        assert other.instead == stands
        caller, callee = (alice, bob) if told[0].id == stands else (bob, alice)
        wait_offer(callee, stands)
        answer(callee, stands, caller)
        wait_change(caller, stands, "ACTIVE")
        end(caller, stands, callee)
        assert wait_end(callee, stands) == "HUNG_UP"


def test_second_call_in_the_chat_is_refused(active):
    alice, bob, call = active
    for client, other in ((alice, bob), (bob, alice)):
        with refused("call_exists"):
            place(client, other)
    signal(alice, call, bob, b"undisturbed")
    assert wait_signal(bob, call).payloads == (b"undisturbed",)


def test_second_call_while_the_first_rings_is_refused(ringing):
    alice, bob, call = ringing
    with refused("call_exists"):
        place(alice, bob)
    assert bob.take_pushes("callOffered") == []
    assert get_call(bob, alice).id == call


def test_next_call_can_be_placed_at_once(pair):
    alice, bob = pair
    for _ in range(5):
        call = establish(alice, bob)
        end(alice, call, bob)
        assert wait_end(bob, call) == "HUNG_UP"


def test_calls_in_other_chats_go_on_beside(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    with_bob = establish(alice, bob)
    with_carol = establish(carol, alice)
    signal(bob, with_bob, alice, b"of Bob")
    signal(carol, with_carol, alice, b"of Carol")
    assert wait_signal(alice, with_bob).payloads == (b"of Bob",)
    assert wait_signal(alice, with_carol).payloads == (b"of Carol",)


# Who may not


def test_call_to_oneself_is_refused(pair):
    with refused("message_to_self"):
        place(pair[0], pair[0])


def test_unknown_and_deleted_users_cannot_be_called(folk):
    alice, gone = folk.pair()
    gone.request(deleteAccount=gone.delete_body())
    errors = []
    for user in (77, gone.device):
        with refused("user_not_found") as caught:
            place(alice, user)
        errors.append(str(caught[0]))
    assert errors[0] == errors[1]


def test_strangers_know_nothing_of_a_call(active, folk):
    """They name the right call and either side as theirs: the answer is that of a call that never was."""
    alice, bob, call = active
    stranger = folk.new()
    for other in (alice, bob):
        for attempt in (
            {"ringCall": named(call, other)},
            {"answerCall": answer_body(call, other)},
            {"signalCall": signal_body(call, other, [b"x"])},
            {"endCall": {**named(call, other), "reason": "HUNG_UP"}},
            {"resumeCall": named(call, other)},
            {"getCall": chat_or_peer(other)},
        ):
            ((name, body),) = attempt.items()
            error = stranger.error_of(**attempt)
            assert error.code == "call_not_found", name
            nothing = stranger.error_of(**{name: {**body, "id": b64(message_id())} if "id" in body else body})
            assert str(error) == str(nothing)
    assert get_call(alice, bob).phase == "ACTIVE"
    assert alice.take_pushes("callSignaled") == bob.take_pushes("callSignaled") == []


def test_computed_id_of_the_chat_names_nothing(active, folk):
    alice, bob, call = active
    chat = direct_chat_id(alice, bob)
    stranger = folk.new()
    for client in (stranger, alice):
        for attempt in (
            {"joinCall": {"id": b64(message_id())}},
            {"signalCall": {**signal_body(call, chat, [b"x"], to=alice)}},
            {"endCall": {"id": b64(call), "reason": "HUNG_UP"}},
            {"resumeCall": {"id": b64(call)}},
            {"getCall": {}},
        ):
            ((name, body),) = attempt.items()
            errors = [client.error_of(**{name: {**body, "chat": b64(id)}}) for id in (chat, message_id())]
            assert errors[0].code in ("chat_not_found", "call_not_found"), name
            assert str(errors[0]) == str(errors[1])
    assert get_call(alice, bob).phase == "ACTIVE"


def frames_until_record(client, call):
    """What this connection gets until the call's record has come."""
    frames, deadline = [], time.monotonic() + 20
    while True:
        while client.pushes:
            frames.append(client.pushes.popleft())
            if "deliver" in frames[-1] and b64(call) in json.dumps(frames[-1]):
                return frames
        client.read_one(max(0.0, deadline - time.monotonic()))


def shape(frames):
    """Frames as text, without numbers and ids in them: those differ from call to call."""
    return re.sub(r'"[A-Za-z0-9+/=]{20,}"|"\d+"', "_", json.dumps(frames, sort_keys=True))


@pytest.mark.smoke
def test_blocked_caller_hears_it_ring_as_with_a_phone_that_is_off(hasty, crowd):
    """All that the caller is told, compared: by a blocker who is there, and by a user who is away."""
    told = []
    for blocked in (False, True):
        alice, bob = crowd.pair(hasty)
        if blocked:
            bob.block(alice.device)
        else:
            bob.close()
        alice.wait_caught_up()
        body = place_body(bob)
        reply = alice.request(placeCall=body)
        call = placed(body, reply).id
        state = get_call(alice, bob)
        told.append((reply, state.phase, len(state.connected), shape(frames_until_record(alice, call))))
        if blocked:
            assert bob.take_pushes("callOffered") == bob.take_pushes("callChanged") == []
            assert [entry for entry in bob.history(alice)[0] if entry.event] == []
    assert told[0][0] == {"ringMs": 1000}
    assert told[0] == told[1]


def test_blocker_finds_no_call_of_the_blocked(folk):
    alice, bob = folk.pair()
    bob.block(alice.device)
    call = place(alice, bob).id
    for attempt in (
        lambda: get_call(bob, alice),
        lambda: ring(bob, call, alice),
        lambda: answer(bob, call, alice),
        lambda: end(bob, call, alice, "REJECTED"),
    ):
        with refused("call_not_found"):
            attempt()
    assert get_call(alice, bob).phase == "CALLING"


def test_blocker_who_calls_rings_the_blocked(pair):
    alice, bob = pair
    alice.block(bob.device)
    call = place(alice, bob).id
    assert wait_offer(bob, call).caller == alice.device.user_id


def test_caller_whom_the_callee_blocks_while_it_rings_gets_no_answer_out_of_it(ringing):
    alice, bob, call = ringing
    bob.block(alice.device)
    end(alice, call, bob, "CANCELLED")
    with refused("call_not_found"):
        get_call(alice, bob)


def test_stranger_needs_consent_before_calling(folk):
    alice, bob = folk.pair()
    set_privacy(bob, askFirst=True)
    with refused("consent_needed"):
        place(alice, bob)
    assert bob.take_pushes("callOffered") == []
    add_contacts(bob, alice)
    place(alice, bob)


# Bad input


@pytest.mark.parametrize("size", [0, 32769])
def test_empty_and_oversized_payloads_are_refused(active, folk, size):
    alice, bob, call = active
    carol = folk.new()
    payload, code = bytes(size), "too_large" if size else "invalid_argument"
    with refused(code):
        place(alice, carol, payload)
    ringing = place(alice, carol).id
    wait_offer(carol, ringing)
    with refused(code):
        answer(carol, ringing, alice, payload)
    if size:
        with refused(code):
            signal(alice, call, bob, payload)
    assert get_call(alice, carol).phase == "CALLING"


@pytest.mark.parametrize("payloads,code", [([], "invalid_argument"), ([b"x"] * 33, "too_large"),
                                           ([bytes(20_000)] * 2, "too_large")], ids=range(3))
def test_batches_of_bad_size_are_refused(active, payloads, code):
    alice, bob, call = active
    with refused(code):
        signal(alice, call, bob, *payloads)
    assert bob.take_pushes("callSignaled") == []


@pytest.mark.parametrize("id", [b"", b"short", bytes(16), bytes(17)], ids=lambda id: f"{len(id)} bytes")
def test_bad_ids_are_refused(pair, id):
    alice, bob = pair
    assert alice.error_of(placeCall={**place_body(bob), "id": b64(id)}).code == "message_id_invalid"
    for name, body in (
        ("ringCall", named(id, bob)),
        ("answerCall", answer_body(id, bob)),
        ("signalCall", signal_body(id, bob, [b"x"])),
        ("endCall", {**named(id, bob), "reason": "HUNG_UP"}),
        ("resumeCall", named(id, bob)),
    ):
        expected = ("invalid_argument", "message_id_invalid")
        if len(id) == 16:
            expected += ("call_not_found",)
        assert alice.error_of(**{name: body}).code in expected, name


@pytest.mark.parametrize("days", [-30, 30])
def test_ids_of_another_time_are_refused(pair, days):
    alice, bob = pair
    with refused("message_id_expired"):
        place(alice, bob, id=message_id(now_ms() + days * 24 * 3600 * 1000))


@pytest.mark.parametrize("name", ["signalCall", "endCall", "resumeCall", "getCall"])
def test_exactly_one_of_peer_and_chat_is_needed(active, name):
    alice, bob, call = active
    body = {
        "signalCall": signal_body(call, bob, [b"x"]),
        "endCall": {**named(call, bob), "reason": "HUNG_UP"},
        "resumeCall": named(call, bob),
        "getCall": chat_or_peer(bob),
    }[name]
    both = {**body, "chat": b64(message_id())}
    neither = {key: value for key, value in body.items() if key != "peer"}
    for malformed in (both, neither):
        assert alice.error_of(**{name: malformed}).code == "invalid_argument"
    assert get_call(alice, bob).phase == "ACTIVE"


def test_calls_need_hello(folk):
    stranger = folk.connect()
    for body in ("placeCall", "ringCall", "answerCall", "signalCall", "endCall", "resumeCall", "joinCall",
                 "getCall", "getIceServers"):
        assert stranger.error_of(**{body: {}}).code == "wrong_state"


def test_finished_call_can_neither_be_answered_nor_signaled_nor_ended(active):
    alice, bob, call = active
    end(alice, call, bob)
    wait_end(bob, call)
    for attempt in (
        lambda: answer(bob, call, alice),
        lambda: ring(bob, call, alice),
        lambda: signal(bob, call, alice, b"x"),
        lambda: end(bob, call, alice),
    ):
        with refused("call_not_found"):
            attempt()


def test_caller_cannot_answer_the_own_call(ringing):
    alice, bob, call = ringing
    with pytest.raises(ServerError) as caught:
        answer(alice, call, bob)
    assert caught.value.code in ("call_not_found", "wrong_call_state")
    with pytest.raises(ServerError):
        ring(alice, call, bob)
    assert get_call(alice, bob).phase == "CALLING"


def test_answer_of_an_active_call_by_the_same_device_changes_nothing(active):
    alice, bob, call = active
    try:
        answer(bob, call, alice, b"another answer")
    except ServerError as error:
        assert error.code in ("call_answered", "wrong_call_state")
    assert alice.take_pushes("callChanged") == []
    assert get_call(alice, bob).phase == "ACTIVE"


def test_calls_with_unknown_ids_are_not_found(pair):
    alice, bob = pair
    unknown = message_id()
    for attempt in (
        lambda: ring(alice, unknown, bob),
        lambda: answer(alice, unknown, bob),
        lambda: signal(alice, unknown, bob, b"x"),
        lambda: end(alice, unknown, bob),
        lambda: get_call(alice, bob),
        lambda: get_call(alice, 77),
    ):
        with refused("call_not_found"):
            attempt()
