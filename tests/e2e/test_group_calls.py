"""The call of a group: begun by who comes first, relayed among those in it, its begin and end told to all."""

import time

import pytest
from godwit_e2e.calls import (
    direct_chat_id, end, get_call, join, join_body, ref, resume, signal, signal_body, wait_record,
    wait_signal, wait_state,
)  # fmt: skip
from godwit_e2e.client import ServerError
from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import change_group, create_group, leave, payloads, refused
from godwit_e2e.identity import b64, message_id, now_ms


@pytest.fixture
def group(folk):
    """Three members and the group."""
    members = [folk.new() for _ in range(3)]
    return (*members, create_group(*members))


@pytest.fixture
def in_call(group):
    """As `group`, with Alice and Bob in its call."""
    alice, bob, carol, chat = group
    call = join(alice, chat).id
    join(bob, chat)
    wait_state(alice, lambda state: ref(bob) in state.connected)
    return alice, bob, carol, chat, call


def make_group(daemon, crowd, count):
    members = [crowd.new(daemon) for _ in range(count)]
    return members, create_group(*members)


# Begin, join, leave


@pytest.mark.smoke
def test_first_who_joins_begins_it(group):
    alice, bob, carol, chat = group
    id, before = message_id(), now_ms()
    state = join(alice, chat, id, kind="VIDEO")
    assert (state.id, state.chat, state.kind, state.caller) == (id, chat, "VIDEO", alice.device.user_id)
    assert state.connected == {ref(alice): True} and state.phase == "ACTIVE"
    assert before - 5_000 <= state.placed_ms <= now_ms() + 5_000
    for member in (bob, carol):
        record = wait_record(member, id)
        assert (record.reason, record.kind, record.caller) == ("CALL_GOES_ON", "VIDEO", alice.device.user_id)
        assert record.message_id == id
        assert get_call(member, chat).connected == {ref(alice): True}


@pytest.mark.smoke
def test_others_join_what_goes_on(group):
    alice, bob, carol, chat = group
    call = join(alice, chat, kind="VIDEO").id
    told = join(bob, chat, kind="AUDIO")
    assert (told.id, told.kind, told.caller) == (call, "VIDEO", alice.device.user_id)
    assert told.connected == {ref(alice): True, ref(bob): True}
    assert wait_state(alice, lambda state: len(state.connected) == 2).connected == told.connected
    assert carol.take_pushes("callState") == [], "only those in the call are told who comes"


def test_begins_at_once_become_one(folk):
    for _ in range(10):
        alice, bob = folk.pair()
        chat = create_group(alice, bob)
        requests = [client.start(joinCall=join_body(chat)) for client in (alice, bob)]
        replies = [client.result(request) for client, request in zip((alice, bob), requests)]
        assert replies[0]["id"] == replies[1]["id"]
        assert len(get_call(alice, chat).connected) == 2


def test_joining_again_is_no_error(in_call):
    alice, bob, _, chat, call = in_call
    alice.take_pushes("callState")
    assert join(bob, chat).connected == {ref(alice): True, ref(bob): True}
    assert get_call(bob, chat).id == call


def test_devices_of_a_user_are_told_apart(in_call, folk):
    alice, bob, _, chat, _ = in_call
    laptop = folk.login(folk.daemon.link(bob))
    assert len(join(laptop, chat).connected) == 3
    wait_state(alice, lambda state: ref(laptop) in state.connected)


def test_who_leaves_is_out_and_the_others_are_told(in_call):
    alice, bob, carol, chat, call = in_call
    join(carol, chat)
    assert end(bob, call, chat) == {}
    for member in (alice, carol):
        wait_state(member, lambda state: state.connected == {ref(alice): True, ref(carol): True})
    with refused("call_not_found"):
        signal(bob, call, chat, b"x", to=alice)
    assert get_call(bob, chat).id == call


def test_who_left_may_come_back(in_call):
    alice, bob, _, chat, call = in_call
    end(bob, call, chat)
    assert join(bob, chat).id == call
    signal(bob, call, chat, b"back", to=alice)
    assert wait_signal(alice, call).payloads == (b"back",)


@pytest.mark.smoke
def test_it_ends_with_the_last_who_leaves(in_call):
    alice, bob, carol, chat, call = in_call
    time.sleep(1.1)
    end(alice, call, chat)
    assert get_call(carol, chat).id == call
    end(bob, call, chat)
    wait_record(carol, call)
    record = wait_record(carol, call)
    assert record.reason == "HUNG_UP" and record.participants == 2 and 1 <= record.duration_s <= 20
    assert record.caller == alice.device.user_id and record.message_id != call
    for member in (alice, bob, carol):
        with refused("call_not_found"):
            get_call(member, chat)


def test_users_are_counted_once_in_the_record(folk):
    alice, bob = folk.pair()
    laptop = folk.login(folk.daemon.link(alice))
    chat = create_group(alice, bob)
    call = join(alice, chat).id
    join(laptop, chat)
    end(alice, call, chat)
    join(alice, chat)
    end(alice, call, chat)
    end(laptop, call, chat)
    wait_record(bob, call)
    assert wait_record(bob, call).participants == 1


def test_next_call_of_the_group_is_another(in_call):
    alice, bob, _, chat, call = in_call
    for member in (alice, bob):
        end(member, call, chat)
    again = join(bob, chat)
    assert again.id != call and again.caller == bob.device.user_id
    assert again.connected == {ref(bob): True}


def test_records_are_entries_of_the_group(daemon, crowd):
    (alice, bob), chat = make_group(daemon, crowd, 2)
    alice.send(chat, b"before")
    call = join(alice, chat).id
    end(alice, call, chat)
    wait_record(bob, call)
    wait_record(bob, call)
    bob.send(chat, b"after")
    daemon.restart()
    bob = crowd.login(bob.device, daemon)
    entries = bob.history(chat)[0]
    assert payloads(entries) == [b"before", b"after"]
    told = [entry.event["call"] for entry in entries if "call" in (entry.event or {})]
    assert [one.get("reason", "CALL_GOES_ON") for one in told] == ["CALL_GOES_ON", "HUNG_UP"]
    assert {one["id"] for one in told} == {b64(call)}


def test_calls_of_two_groups_are_apart(folk):
    alice, bob = folk.pair()
    chats = [create_group(alice, bob) for _ in range(2)]
    calls = [join(alice, chat).id for chat in chats]
    assert calls[0] != calls[1]
    for chat, call in zip(chats, calls):
        assert get_call(bob, chat).id == call
    end(alice, calls[0], chats[0])
    assert get_call(bob, chats[1]).id == calls[1]


# Relay


@pytest.mark.smoke
def test_signals_go_to_the_device_named_alone(in_call, folk):
    alice, bob, carol, chat, call = in_call
    laptop = folk.login(folk.daemon.link(bob))
    for member in (carol, laptop):
        join(member, chat)
    assert signal(alice, call, chat, b"one", b"two", kind="NEW_OFFER", to=laptop) == {}
    heard = wait_signal(laptop, call)
    assert (heard.sender, heard.device) == ref(alice)
    assert (heard.chat, heard.kind, heard.payloads) == (chat, "NEW_OFFER", (b"one", b"two"))
    for other in (bob, carol):
        assert other.take_pushes("callSignaled") == []


def test_everyone_signals_everyone(in_call):
    alice, bob, carol, chat, call = in_call
    join(carol, chat)
    members = (alice, bob, carol)
    for sender in members:
        for receiver in members:
            if sender is not receiver:
                signal(sender, call, chat, b"%d" % sender.device.user_id, to=receiver)
                assert wait_signal(receiver, call).payloads == (b"%d" % sender.device.user_id,)


def test_who_is_not_in_it_is_no_receiver(in_call):
    alice, _, carol, chat, call = in_call
    with pytest.raises(ServerError) as caught:
        signal(alice, call, chat, b"x", to=carol)
    assert caught.value.code in ("call_not_found", "member_not_found", "device_not_found", "wrong_call_state")
    assert carol.take_pushes("callSignaled") == []


def test_who_is_not_in_it_may_not_signal(in_call):
    alice, _, carol, chat, call = in_call
    for attempt in (
        lambda: signal(carol, call, chat, b"x", to=alice),
        lambda: end(carol, call, chat),
        lambda: resume(carol, call, chat),
    ):
        with refused("call_not_found"):
            attempt()
    assert alice.take_pushes("callSignaled") == []
    assert len(get_call(carol, chat).connected) == 2


def test_signals_to_a_lost_device_are_kept(in_call, folk):
    alice, bob, _, chat, call = in_call
    bob.close()
    wait_until(lambda: not get_call(alice, chat).connected[ref(bob)], what="the loss")
    signal(alice, call, chat, b"kept", to=bob)
    back = folk.login(bob.device)
    assert resume(back, call, chat).connected == {ref(alice): True, ref(bob): True}
    assert wait_signal(back, call).payloads == (b"kept",)


def test_lost_device_is_taken_out(daemons, crowd):
    daemon = daemons({"call.reconnect_s": 1}).start()
    (alice, bob), chat = make_group(daemon, crowd, 2)
    call = join(alice, chat).id
    join(bob, chat)
    bob.close()
    wait_state(alice, lambda state: ref(bob) not in state.connected and len(state.connected) == 1)
    back = crowd.login(bob.device, daemon)
    with refused("call_not_found"):
        resume(back, call, chat)
    assert join(back, chat).id == call


def test_it_ends_when_all_are_lost(daemons, crowd):
    daemon = daemons({"call.reconnect_s": 1}).start()
    (alice, bob, carol), chat = make_group(daemon, crowd, 3)
    call = join(alice, chat).id
    join(bob, chat)
    alice.close()
    bob.close()
    wait_record(carol, call)
    assert wait_record(carol, call).participants == 2
    with refused("call_not_found"):
        get_call(carol, chat)


# Bounds


def test_full_call_takes_nobody(daemons, crowd):
    daemon = daemons({"call.max_participants": 2}).start()
    (alice, bob, carol), chat = make_group(daemon, crowd, 3)
    call = join(alice, chat).id
    join(bob, chat)
    with refused("call_full"):
        join(carol, chat)
    assert join(bob, chat).id == call, "who is in it already is no more than that"
    end(alice, call, chat)
    assert ref(carol) in join(carol, chat).connected


def test_media_server_has_a_bound_of_its_own(daemons, crowd):
    daemon = daemons({"call.max_participants": 2, "call.max_sfu_participants": 3}).start()
    members, chat = make_group(daemon, crowd, 4)
    join(members[0], chat, token=b"room 7")
    for member in members[1:3]:
        assert join(member, chat).token == b"room 7"
    with refused("call_full"):
        join(members[3], chat)


def test_token_is_the_first_ones(group):
    alice, bob, carol, chat = group
    token = bytes(range(256)) * 16
    assert join(alice, chat, token=token).token == token
    assert join(bob, chat, token=b"another").token == token
    assert get_call(carol, chat).token == token


def test_oversized_token_is_refused(group):
    alice, *_, chat = group
    with refused("too_large"):
        join(alice, chat, token=bytes(4097))
    with refused("call_not_found"):
        get_call(alice, chat)


def test_beginnings_are_limited(daemons, crowd):
    daemon = daemons({"call.invites_per_minute": 2}).start()
    (alice, bob), chat = make_group(daemon, crowd, 2)
    for _ in range(2):
        end(alice, join(alice, chat).id, chat)
    with refused("rate_limited") as caught:
        join(alice, chat)
    assert caught[0].retryable and 0 < caught[0].retry_after_ms <= 60_000
    join(bob, chat)


# Members


@pytest.mark.smoke
def test_group_one_is_not_in_is_told_like_an_unknown_one(in_call, folk):
    alice, bob, _, chat, call = in_call
    stranger = folk.new()
    for attempt in (
        {"joinCall": {"id": b64(message_id())}},
        {"getCall": {}},
        {"signalCall": signal_body(call, chat, [b"x"], to=alice)},
        {"endCall": {"id": b64(call), "reason": "HUNG_UP"}},
        {"resumeCall": {"id": b64(call)}},
    ):
        ((name, body),) = attempt.items()
        errors = [stranger.error_of(**{name: {**body, "chat": b64(id)}}) for id in (chat, message_id())]
        assert errors[0].code in ("chat_not_found", "call_not_found"), name
        assert str(errors[0]) == str(errors[1]), name
    assert get_call(alice, chat).connected == {ref(alice): True, ref(bob): True}


@pytest.mark.parametrize("how", ["removed", "left"])
def test_who_is_no_member_any_more_is_out(in_call, how):
    alice, bob, _, chat, call = in_call
    change_group(alice, chat, remove=[bob]) if how == "removed" else leave(bob, chat)
    with pytest.raises(ServerError) as caught:
        signal(bob, call, chat, b"x", to=alice)
    assert caught.value.code in ("chat_not_found", "call_not_found")
    for attempt in (lambda: join(bob, chat), lambda: get_call(bob, chat)):
        with refused("chat_not_found"):
            attempt()
    assert alice.take_pushes("callSignaled") == []
    wait_until(lambda: list(get_call(alice, chat).connected) == [ref(alice)], what="the removal")


def test_newcomer_joins(in_call, folk):
    alice, _, _, chat, call = in_call
    dave = folk.new()
    change_group(alice, chat, add=[dave])
    assert get_call(dave, chat).id == call
    assert len(join(dave, chat).connected) == 3


def test_deleted_group_has_no_call(in_call):
    alice, bob, carol, chat, call = in_call
    for member in (bob, carol, alice):
        leave(member, chat)
    with pytest.raises(ServerError) as caught:
        get_call(alice, chat)
    assert caught.value.code in ("chat_not_found", "call_not_found")
    assert create_group(alice, bob) != chat


def test_blocks_do_not_count_in_groups(in_call):
    alice, bob, _, chat, call = in_call
    bob.block(alice.device)
    signal(alice, call, chat, b"in a group that both are in", to=bob)
    assert wait_signal(bob, call).payloads == (b"in a group that both are in",)


# Bad input


def test_bad_ids_are_refused(group):
    alice, *_, chat = group
    for id in (b"", b"short", bytes(16)):
        assert alice.error_of(joinCall={**join_body(chat), "id": b64(id)}).code == "message_id_invalid"
    assert alice.error_of(joinCall=join_body(b"short")).code == "invalid_argument"
    with refused("message_id_expired"):
        join(alice, chat, message_id(now_ms() - 30 * 24 * 3600 * 1000))
    with refused("call_not_found"):
        get_call(alice, chat)


def test_direct_chats_have_no_call_to_join(folk):
    alice, bob = folk.pair()
    alice.send(bob)
    chat = direct_chat_id(alice, bob)
    errors = [alice.error_of(joinCall=join_body(id)) for id in (chat, message_id())]
    assert errors[0].code == "chat_not_found" and str(errors[0]) == str(errors[1])


def test_call_that_was_cannot_be_named(in_call):
    alice, bob, _, chat, call = in_call
    for member in (alice, bob):
        end(member, call, chat)
    join(alice, chat)
    for attempt in (lambda: end(alice, call, chat), lambda: resume(alice, call, chat)):
        with refused("call_not_found"):
            attempt()
    assert get_call(bob, chat).connected == {ref(alice): True}
