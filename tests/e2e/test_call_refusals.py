"""Who may not call, answer or signal, and what is malformed: refused, and the call goes on."""

import json
import re
import time

import pytest
from godwit_e2e.calls import (
    answer, answer_body, direct_chat_id, end, establish, get_call, named, place, place_body, placed, ring,
    signal, signal_body, wait_end, wait_offer,
)  # fmt: skip
from godwit_e2e.client import ServerError, chat_or_peer
from godwit_e2e.groups import add_contacts, refused, set_privacy
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
    """Frames as text, without numbers, ids and a millisecond more or less: those differ from call to call."""
    text = re.sub(r', "timeDeltaMs": "?-?\d+"?', "", json.dumps(frames, sort_keys=True))
    return re.sub(r'"[A-Za-z0-9+/=]{20,}"|"\d+"', "_", text)


@pytest.mark.smoke
def test_blocked_caller_hears_it_ring_as_with_a_phone_that_is_off(hasty, crowd):
    """All that the caller is told, compared: by a blocker who is there, and by a user who is away."""
    told = []
    for blocked in (False, True):
        alice = crowd.new(hasty)
        bob = crowd.new(hasty) if blocked else hasty.register()
        if blocked:
            bob.block(alice.device)
        alice.wait_caught_up()
        body = place_body(bob)
        reply = alice.request(placeCall=body)
        assert 0 < reply.pop("ringMs") <= 1000
        call, state = placed(body, reply).id, get_call(alice, bob)
        told.append((reply, state.phase, len(state.connected), shape(frames_until_record(alice, call))))
        if blocked:
            assert bob.take_pushes("callOffered") == bob.take_pushes("callChanged") == []
            assert [entry for entry in bob.history(alice)[0] if entry.event] == []
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
