"""Who is watched: users and members of groups, as many as the bound allows, until the connection ends."""

import pytest
from godwit_e2e.groups import change_group, create_group, leave, refused
from godwit_e2e.identity import b64, message_id
from godwit_e2e.presence import (
    HIDDEN, IDLE, NOTHING, OFFLINE, ONLINE, Watcher, parse, set_presence, watch_body,
)  # fmt: skip


@pytest.fixture
def watched(folk):
    """Alice's watcher and Bob, who is watched and there."""
    alice, bob = folk.pair()
    watcher = Watcher(alice)
    watcher.watch(bob)
    watcher.wait(bob, ONLINE)
    return watcher, bob


# Users


def test_snapshot_tells_each_user_once(folk):
    alice, bob = folk.pair()
    watcher = Watcher(alice)
    assert list(watcher.watch(bob, bob, bob)) == [bob.device.user_id]
    assert list(watcher.watch(bob)) == [bob.device.user_id], "adding again is no error"
    set_presence(bob, IDLE)
    watcher.wait(bob, IDLE)
    assert watcher.settle().told_of(bob) == [IDLE]


def test_unwatched_users_are_told_no_more(watched, folk):
    watcher, bob = watched
    carol = folk.new()
    watcher.watch(carol)
    watcher.unwatch(bob)
    set_presence(bob, IDLE)
    set_presence(carol, IDLE)
    watcher.wait(carol, IDLE)
    assert watcher.settle().told_of(bob) == []


def test_removing_goes_before_adding(watched):
    watcher, bob = watched
    assert watcher.watch(bob, remove=[bob])[bob.device.user_id].state == ONLINE
    set_presence(bob, IDLE)
    watcher.wait(bob, IDLE)


def test_unwatching_who_is_not_watched_is_no_error(folk):
    alice, bob = folk.pair()
    Watcher(alice).unwatch(bob, 77)


def test_empty_request_tells_nobody(folk):
    assert Watcher(folk.new()).watch() == {}


def test_user_may_watch_oneself(folk):
    alice = folk.new()
    laptop = folk.login(folk.daemon.link(alice))
    watcher = Watcher(laptop)
    assert watcher.watch(alice)[alice.device.user_id].state == ONLINE
    set_presence(alice, IDLE)
    set_presence(laptop, IDLE)
    watcher.wait(alice, IDLE)


def test_unknown_and_deleted_users_are_not_told(folk):
    alice, gone = folk.pair()
    gone.request(deleteAccount=gone.delete_body())
    told = Watcher(alice).watch(77, gone.device)
    assert told == {77: NOTHING, gone.device.user_id: NOTHING}


def test_watched_user_who_deletes_the_account_disappears(watched):
    watcher, bob = watched
    bob.request(deleteAccount=bob.delete_body())
    assert watcher.wait(bob, HIDDEN) == NOTHING


def test_connection_that_ends_watches_no_more(watched, folk):
    watcher, bob = watched
    watcher.client.close()
    back = Watcher(folk.login(watcher.client.device))
    set_presence(bob, IDLE)
    assert back.settle().updates == []
    assert back.watch(bob)[bob.device.user_id].state == IDLE


def test_each_device_of_a_user_watches_for_itself(watched, folk):
    watcher, bob = watched
    laptop = Watcher(folk.login(folk.daemon.link(watcher.client)))
    set_presence(bob, IDLE)
    watcher.wait(bob, IDLE)
    assert laptop.settle().updates == []


def test_many_watchers_are_all_told(folk, lively):
    bob = folk.new()
    watchers = [Watcher(folk.login(device)) for device in lively.register_many(60)]
    for watcher in watchers:
        assert watcher.watch(bob)[bob.device.user_id].state == ONLINE
    set_presence(bob, IDLE)
    for watcher in watchers:
        watcher.wait(bob, IDLE)
    bob.close()
    for watcher in watchers:
        watcher.wait(bob, OFFLINE)


def test_many_users_are_told_to_one_watcher(folk, lively):
    watcher = Watcher(folk.new())
    devices = lively.register_many(60)
    assert len(watcher.watch(*devices)) == 60
    clients = [folk.login(device) for device in devices]
    for client in clients:
        watcher.wait(client, ONLINE)
    for client in clients:
        client.close()
    for device in devices:
        watcher.wait(device, OFFLINE)


def test_watching_needs_hello(folk):
    stranger = folk.connect()
    for body in ("setPresence", "watchPresence", "typing"):
        assert stranger.error_of(**{body: {}}).code == "wrong_state"


def test_nothing_is_told_after_unwatching_in_the_same_breath(folk):
    """Requests sent without waiting: what the last one says counts."""
    alice, bob = folk.pair()
    requests = []
    for _ in range(6):
        requests.append(alice.start(watchPresence=watch_body([bob])))
        requests.append(alice.start(watchPresence=watch_body(remove=[bob])))
    replies = [parse(alice.result(request)) for request in requests]
    assert [len(reply) for reply in replies] == [1, 0] * 6
    set_presence(bob, IDLE)
    assert Watcher(alice).settle().updates == []


# The bound


@pytest.fixture
def narrow(daemons):
    """A daemon where five users may be watched."""
    return daemons({"presence.max_watched": 5, "presence.update_interval_ms": 20}).start()


def test_over_the_bound_nothing_is_added(narrow, crowd):
    alice = crowd.new(narrow)
    others = [crowd.login(device, narrow) for device in narrow.register_many(6)]
    watcher = Watcher(alice)
    watcher.watch(*others[:3])
    assert alice.error_of(watchPresence=watch_body(others[3:])).code == "too_large"
    set_presence(others[3], IDLE)
    set_presence(others[0], IDLE)
    watcher.wait(others[0], IDLE)
    assert watcher.settle().told_of(others[3]) == []
    assert len(watcher.watch(*others[3:5])) == 2, "there was room for two all along"


def test_more_than_the_bound_in_one_request_is_refused(narrow, crowd):
    alice = crowd.new(narrow)
    assert alice.error_of(watchPresence=watch_body(range(1, 7))).code == "too_large"
    assert len(Watcher(alice).watch(*range(1, 6))) == 5


def test_removal_makes_room(narrow, crowd):
    watcher = Watcher(crowd.new(narrow))
    watcher.watch(1, 2, 3, 4, 5)
    assert set(watcher.watch(6, 7, remove=[1, 2])) == {6, 7}
    assert watcher.client.error_of(watchPresence=watch_body([8])).code == "too_large"


def test_those_watched_already_take_no_more_room(narrow, crowd):
    watcher = Watcher(crowd.new(narrow))
    watcher.watch(1, 2, 3, 4, 5)
    assert len(watcher.watch(1, 2, 3)) == 3


def test_bound_is_the_connections(narrow, crowd):
    alice = crowd.new(narrow)
    laptop = crowd.login(narrow.link(alice), narrow)
    for client in (alice, laptop):
        assert len(Watcher(client).watch(1, 2, 3, 4, 5)) == 5


def test_groups_add_what_there_is_room_for_in_order_of_id(narrow, crowd):
    alice = crowd.new(narrow)
    others = narrow.register_many(7)
    chat = create_group(alice, *others)
    members = sorted([alice.device.user_id, *(device.user_id for device in others)])
    watcher = Watcher(alice)
    watcher.watch(77)
    told = watcher.watch(groups=[chat])
    assert len(told) >= 4 and set(told) <= set(members[:5])


# Groups


def test_members_of_a_group_are_watched(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    chat = create_group(alice, bob, carol)
    watcher = Watcher(alice)
    told = watcher.watch(groups=[chat])
    assert {bob.device.user_id, carol.device.user_id} <= set(told)
    for member in (bob, carol):
        set_presence(member, IDLE)
        watcher.wait(member, IDLE)


def test_members_of_several_groups_are_watched(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    chats = [create_group(alice, bob), create_group(alice, bob, carol)]
    told = Watcher(alice).watch(groups=chats)
    assert {bob.device.user_id, carol.device.user_id} <= set(told)


def test_groups_one_is_not_in_are_told_like_unknown_ones(folk):
    alice, bob, stranger = (folk.new() for _ in range(3))
    chat = create_group(alice, bob, stranger)
    leave(stranger, chat)
    errors = [
        stranger.error_of(watchPresence={"addMembersOf": [b64(group)]}) for group in (chat, message_id())
    ]
    assert [(error.code, str(error)) for error in errors] == [("chat_not_found", str(errors[0]))] * 2


def test_refused_group_adds_nobody(folk):
    alice, bob = folk.pair()
    watcher = Watcher(alice)
    body = watch_body([bob], groups=[message_id()])
    assert alice.error_of(watchPresence=body).code == "chat_not_found"
    set_presence(bob, IDLE)
    assert watcher.settle().updates == []


def test_bad_groups_are_refused(folk):
    alice = folk.new()
    assert alice.error_of(watchPresence={"addMembersOf": [b64(b"short")]}).code == "invalid_argument"
    many = [b64(message_id()) for _ in range(17)]
    assert alice.error_of(watchPresence={"addMembersOf": many}).code == "too_large"


def test_removed_member_cannot_watch_the_group(folk):
    alice, bob = folk.pair()
    chat = create_group(alice, bob)
    change_group(alice, chat, remove=[bob])
    with refused("chat_not_found"):
        Watcher(bob).watch(groups=[chat])
