"""Who is typing is told to the others in the chat who are there, if the user hides nothing, and forgotten."""

import time

import pytest
from godwit_e2e.calls import direct_chat_id
from godwit_e2e.client import ServerError, chat_or_peer
from godwit_e2e.groups import (
    add_contacts, answer_request, change_group, create_group, ids, leave, refused, set_privacy,
)  # fmt: skip
from godwit_e2e.identity import b64, message_id
from godwit_e2e.presence import type_in, typing_heard, wait_typing


@pytest.fixture
def talking(folk):
    """Alice and Bob, who have a chat."""
    alice, bob = folk.pair()
    alice.send(bob)
    bob.receive()
    return alice, bob


@pytest.fixture
def group(folk):
    members = [folk.new() for _ in range(3)]
    return (*members, create_group(*members))


def heard_nothing(client, seconds=0.2):
    time.sleep(seconds)
    return typing_heard(client) == []


# Direct chats


@pytest.mark.smoke
@pytest.mark.parametrize("state", ["TYPING", "RECORDING", "STOPPED"])
def test_other_party_is_told(talking, state):
    alice, bob = talking
    assert type_in(alice, bob, state) == {}
    assert wait_typing(bob, alice) == (state, b"", 5000)


def test_either_party_may_tell(talking):
    alice, bob = talking
    type_in(bob, alice)
    assert wait_typing(alice, bob)[0] == "TYPING"


def test_time_to_forget_is_the_configured_one(daemons, crowd):
    daemon = daemons({"presence.typing_ttl_ms": 700}).start()
    alice, bob = crowd.pair(daemon)
    alice.send(bob)
    type_in(alice, bob)
    assert wait_typing(bob, alice)[2] == 700


def test_all_devices_of_the_other_party_are_told_and_none_of_ones_own(talking, folk):
    alice, bob = talking
    laptops = [folk.login(folk.daemon.link(client)) for client in talking]
    type_in(alice, bob)
    for device in (bob, laptops[1]):
        wait_typing(device, alice)
    assert heard_nothing(alice) and heard_nothing(laptops[0])


def test_notice_is_not_answered(talking):
    alice, bob = talking
    alice.notice(typing={**chat_or_peer(bob), "state": "TYPING"})
    wait_typing(bob, alice)
    assert alice.take_pushes("error") == [] and alice.take_pushes("done") == []


def test_states_come_in_order(talking):
    alice, bob = talking
    states = ["TYPING", "STOPPED", "RECORDING", "STOPPED", "TYPING"]
    for state in states:
        type_in(alice, bob, state)
    assert [wait_typing(bob, alice)[0] for _ in states] == states


def test_nothing_is_kept_for_who_is_away(talking, folk):
    alice, bob = talking
    bob.close()
    type_in(alice, bob)
    back = folk.login(bob.device)
    back.wait_caught_up()
    assert heard_nothing(back)


def test_chat_must_exist(folk):
    alice, bob = folk.pair()
    with refused("chat_not_found"):
        type_in(alice, bob)
    assert heard_nothing(bob)


def test_unknown_user_is_the_same_as_no_chat(folk):
    alice, bob = folk.pair()
    errors = [alice.error_of(typing=chat_or_peer(peer)) for peer in (bob, 77)]
    assert [str(error) for error in errors] == [str(errors[0])] * 2 and errors[0].code == "chat_not_found"


def test_failed_notice_is_told(folk):
    alice, bob = folk.pair()
    alice.notice(typing=chat_or_peer(bob))
    assert alice.wait_push("error")["code"] == "chat_not_found"


@pytest.mark.smoke
def test_blocker_hears_nothing_and_the_blocked_notices_nothing(talking):
    alice, bob = talking
    bob.block(alice.device)
    assert type_in(alice, bob) == {}
    assert heard_nothing(bob)


def test_blocked_hears_nothing_of_the_blocker(talking):
    """Whom one blocks may not see that one is there."""
    alice, bob = talking
    alice.block(bob.device)
    assert type_in(alice, bob) == {}
    assert heard_nothing(bob)


@pytest.mark.parametrize("hidden", ["nobody", "except", "contacts"])
def test_who_hides_being_online_is_not_heard(talking, hidden):
    alice, bob = talking
    rule = {
        "nobody": {"audience": "NOBODY"},
        "except": {"audience": "EVERYONE", "except": ids([bob])},
        "contacts": {"audience": "CONTACTS"},
    }[hidden]
    set_privacy(alice, online=rule)
    assert type_in(alice, bob) == {}
    assert heard_nothing(bob)
    if hidden == "contacts":
        add_contacts(alice, bob)
        type_in(alice, bob)
        wait_typing(bob, alice)


def test_stranger_whose_message_waits_for_consent_is_not_heard(folk):
    alice, bob = folk.pair()
    set_privacy(bob, askFirst=True)
    alice.send(bob, b"may I?")
    assert type_in(alice, bob) == {}
    assert heard_nothing(bob)
    answer_request(bob, alice, accept=True)
    type_in(alice, bob)
    wait_typing(bob, alice)


# Groups


def test_members_are_told_which_group(group):
    alice, bob, carol, chat = group
    type_in(alice, chat, "RECORDING")
    for member in (bob, carol):
        assert wait_typing(member, alice) == ("RECORDING", chat, 5000)
    assert heard_nothing(alice)


def test_group_one_is_not_in_is_told_like_an_unknown_one(group, folk):
    alice, bob, _, chat = group
    stranger, left = folk.pair()
    change_group(alice, chat, add=[left])
    leave(left, chat)
    for client in (stranger, left):
        errors = [client.error_of(typing={"chat": b64(id)}) for id in (chat, message_id())]
        assert errors[0].code == "chat_not_found" and str(errors[0]) == str(errors[1])
    assert heard_nothing(bob)


def test_removed_members_are_told_no_more(group):
    alice, bob, carol, chat = group
    change_group(alice, chat, remove=[carol])
    type_in(alice, chat)
    wait_typing(bob, alice)
    assert heard_nothing(carol)


def test_newcomers_are_told(group, folk):
    alice, _, _, chat = group
    dave = folk.new()
    type_in(alice, chat)
    change_group(alice, chat, add=[dave])
    type_in(alice, chat)
    wait_typing(dave, alice)


@pytest.mark.parametrize("rule", ["NOBODY", "CONTACTS", "EXCEPT"])
def test_group_hears_only_those_whom_everyone_may_see(group, rule):
    alice, bob, carol, chat = group
    add_contacts(alice, bob, carol)
    excepted = {"audience": "EVERYONE", "except": ids([carol])}
    set_privacy(alice, online=excepted if rule == "EXCEPT" else {"audience": rule})
    assert type_in(alice, chat) == {}
    assert heard_nothing(bob) and heard_nothing(carol)


def test_large_groups_are_not_told(daemons, crowd):
    daemon = daemons({"presence.typing_max_members": 2}).start()
    alice, bob, carol = (crowd.new(daemon) for _ in range(3))
    small, large = create_group(alice, bob), create_group(alice, bob, carol)
    assert type_in(alice, large) == {}
    type_in(alice, small)
    assert wait_typing(bob, alice)[1] == small
    assert heard_nothing(bob) and heard_nothing(carol)


def test_group_of_many_is_told(folk, lively):
    alice = folk.new()
    devices = lively.register_many(40)
    chat = create_group(alice, *devices)
    clients = [folk.login(device) for device in devices]
    type_in(alice, chat)
    for client in clients:
        assert wait_typing(client, alice)[1] == chat


# Bad input, bounds


def test_computed_id_of_a_direct_chat_names_nothing(talking, folk):
    alice, bob = talking
    chat = direct_chat_id(alice, bob)
    for client in (folk.new(), alice):
        errors = [client.error_of(typing={"chat": b64(id)}) for id in (chat, message_id())]
        assert errors[0].code == "chat_not_found" and str(errors[0]) == str(errors[1])
    assert heard_nothing(bob)


@pytest.mark.parametrize("case", ["neither", "both", "short id", "state"])
def test_malformed_requests_are_refused(talking, case):
    alice, bob = talking
    body = {
        "neither": {"state": "TYPING"},
        "both": {**chat_or_peer(bob), "chat": b64(message_id())},
        "short id": {"chat": b64(b"short")},
        "state": {**chat_or_peer(bob), "state": 17},
    }[case]
    assert alice.error_of(typing=body).code == "invalid_argument"
    assert heard_nothing(bob, 0.1)


def test_nobody_types_to_oneself(folk):
    alice = folk.new()
    assert alice.error_of(typing=chat_or_peer(alice)).code in ("invalid_argument", "message_to_self")


def test_rate_is_limited(daemons, crowd):
    daemon = daemons({"presence.typing_rate_per_s": 1, "presence.typing_burst": 5}).start()
    alice, bob = crowd.pair(daemon)
    alice.send(bob)
    served, error = 0, None
    requests = [alice.start(typing=chat_or_peer(bob)) for _ in range(50)]
    for request in requests:
        try:
            alice.result(request)
            served += 1
        except ServerError as caught:
            error = caught
    assert error.code == "rate_limited" and error.retryable and 0 < error.retry_after_ms <= 2000
    assert 5 <= served <= 25, "the bucket fills while it is emptied"
    time.sleep(error.retry_after_ms / 1000 + 0.1)
    type_in(alice, bob)
    alice.send(bob, b"messages are not typing")


def test_nothing_is_written(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    alice.send(bob)
    chat = create_group(alice, bob)
    before = daemon.metric("godwit_journal_records_total")
    for where in (bob, chat):
        for state in ("TYPING", "RECORDING", "STOPPED"):
            type_in(alice, where, state)
            wait_typing(bob, alice)
    assert daemon.metric("godwit_journal_records_total") == before
