"""Who is there: told to who watches, the most present device counts, nobody is told more often than the interval."""

import time

import pytest
from godwit_e2e.groups import change_group, create_group, leave, refused
from godwit_e2e.identity import b64, message_id, now_ms
from godwit_e2e.presence import (
    HIDDEN, IDLE, NOTHING, OFFLINE, ONLINE, Presence, Watcher, parse, set_presence, watch_body,
)  # fmt: skip


@pytest.fixture
def watched(folk):
    """Alice's watcher and Bob, who is watched and there."""
    alice, bob = folk.pair()
    watcher = Watcher(alice)
    watcher.watch(bob)
    watcher.wait(bob, ONLINE)
    return watcher, bob


# States


@pytest.mark.smoke
def test_snapshot_tells_who_is_there(folk):
    alice, bob = folk.pair()
    away = folk.daemon.register()
    told = Watcher(alice).watch(bob, away)
    assert told[bob.device.user_id] == Presence(ONLINE)
    assert told[away.user_id].state == OFFLINE


@pytest.mark.smoke
def test_every_change_is_told(watched):
    watcher, bob = watched
    for state in (IDLE, OFFLINE, IDLE, ONLINE, OFFLINE, ONLINE):
        assert set_presence(bob, state) == {}
        watcher.wait(bob, state)


@pytest.mark.smoke
def test_who_disconnects_is_offline_and_was_there_just_now(watched):
    watcher, bob = watched
    before = now_ms()
    bob.close()
    told = watcher.wait(bob, OFFLINE)
    assert before - 5_000 <= told.last_seen_ms <= now_ms() + 5_000


def test_who_comes_back_is_online(watched, folk):
    watcher, bob = watched
    bob.close()
    watcher.wait(bob, OFFLINE)
    folk.login(bob.device)
    assert watcher.wait(bob, ONLINE) == Presence(ONLINE)


def test_set_presence_as_a_notice_is_not_answered(watched):
    watcher, bob = watched
    bob.notice(setPresence={"state": IDLE})
    watcher.wait(bob, IDLE)
    assert bob.take_pushes("error") == []


@pytest.mark.parametrize("state", [HIDDEN, 17], ids=str)
def test_other_states_are_refused_and_change_nothing(watched, state):
    watcher, bob = watched
    with refused("invalid_argument"):
        set_presence(bob, state)
    assert watcher.settle().told_of(bob) == []


@pytest.mark.parametrize("state", [ONLINE, IDLE, OFFLINE])
def test_hello_says_how_present_the_user_is(folk, state):
    alice, bob = folk.new(), folk.daemon.register()
    watcher = Watcher(alice)
    assert watcher.watch(bob)[bob.user_id].state == OFFLINE
    folk.login(bob, presence=state)
    watcher.wait(bob, state)
    assert [told for told in watcher.settle().told_of(bob) if told != state] == []


def test_connected_in_the_background_is_offline(folk):
    alice, bob = folk.new(), folk.daemon.register()
    watcher = Watcher(alice)
    watcher.watch(bob)
    in_background = folk.login(bob, presence=OFFLINE)
    assert watcher.settle().told_of(bob) == []
    set_presence(in_background, ONLINE)
    watcher.wait(bob, ONLINE)


def test_last_seen_is_told_of_the_offline_only(watched):
    watcher, bob = watched
    for state in (IDLE, ONLINE):
        set_presence(bob, state)
        assert watcher.wait(bob, state).last_seen_ms == 0


def test_offline_by_request_was_there_until_then(watched):
    watcher, bob = watched
    time.sleep(0.1)
    before = now_ms()
    set_presence(bob, OFFLINE)
    told = watcher.wait(bob, OFFLINE).last_seen_ms
    assert before - 50 <= told <= now_ms() + 50
    bob.close()
    time.sleep(0.1)
    assert watcher.watch(bob)[bob.device.user_id] == Presence(OFFLINE, told), "it left nothing by leaving"


def test_who_was_never_there_has_no_last_seen(folk):
    assert Watcher(folk.new()).watch(folk.daemon.register()).popitem()[1] == Presence(OFFLINE)


# Several devices


@pytest.mark.smoke
def test_most_present_device_counts(watched, folk):
    watcher, phone = watched
    laptop = folk.login(folk.daemon.link(phone))
    for on_phone, on_laptop, counts in (
        (IDLE, ONLINE, ONLINE),
        (IDLE, IDLE, IDLE),
        (OFFLINE, IDLE, IDLE),
        (OFFLINE, OFFLINE, OFFLINE),
        (ONLINE, OFFLINE, ONLINE),
    ):
        set_presence(phone, on_phone)
        set_presence(laptop, on_laptop)
        watcher.wait(phone, counts)
        assert watcher.settle(0.15).known[phone.device.user_id].state == counts


def test_second_device_changes_nothing(watched, folk):
    watcher, phone = watched
    laptop = folk.login(folk.daemon.link(phone))
    laptop.close()
    assert watcher.settle().told_of(phone) == []


def test_last_device_that_leaves_makes_offline(watched, folk):
    watcher, phone = watched
    laptop = folk.login(folk.daemon.link(phone))
    phone.close()
    watcher.settle()
    assert watcher.known[phone.device.user_id].state == ONLINE
    laptop.close()
    watcher.wait(phone, OFFLINE)


def test_revoked_device_counts_no_more(watched, folk):
    watcher, phone = watched
    laptop = folk.login(folk.daemon.link(phone))
    set_presence(phone, IDLE)
    phone.revoke(laptop.device.device_id)
    watcher.wait(phone, IDLE)


def test_replaced_connection_keeps_the_user_online(watched, folk):
    watcher, phone = watched
    folk.login(phone.device)
    phone.wait_closed()
    watcher.settle()
    assert watcher.known[phone.device.user_id].state == ONLINE


# Watching


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


def test_nobody_is_invalid(folk):
    alice = folk.new()
    assert alice.error_of(watchPresence={"add": ["0"]}).code == "invalid_argument"


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


# How often


@pytest.fixture
def slow(daemons):
    """A daemon that tells changes of a user every two seconds."""
    return daemons({"presence.update_interval_ms": 2000}).start()


def test_flapping_costs_one_update_per_interval(slow, crowd):
    alice, bob = crowd.pair(slow)
    watcher = Watcher(alice)
    watcher.watch(bob)
    began = time.monotonic()
    for _ in range(100):
        set_presence(bob, IDLE)
        set_presence(bob, ONLINE)
    set_presence(bob, IDLE)
    watcher.wait(bob, IDLE)
    watcher.settle(2.5)
    intervals = (time.monotonic() - began) / 2
    assert len(watcher.told_of(bob)) <= intervals + 1
    assert watcher.known[bob.device.user_id].state == IDLE, "the newest state is what stays"


def test_first_change_is_told_at_once(slow, crowd):
    """Sooner than the second, which has to wait for the interval."""
    alice, bob = crowd.pair(slow)
    watcher = Watcher(alice)
    watcher.watch(bob)
    time.sleep(2.1)
    began = time.monotonic()
    set_presence(bob, IDLE)
    watcher.wait(bob, IDLE)
    first = time.monotonic() - began
    set_presence(bob, ONLINE)
    watcher.wait(bob, ONLINE)
    both = time.monotonic() - began
    assert both > 1.5 and first < both - first


def test_reconnect_within_the_interval_is_not_told(slow, crowd):
    alice, bob = crowd.pair(slow)
    watcher = Watcher(alice)
    watcher.watch(bob)
    set_presence(bob, IDLE)
    watcher.wait(bob, IDLE)  # from here on the interval runs
    bob.close()
    crowd.login(bob.device, slow, presence=IDLE)
    assert watcher.settle(2.5).told_of(bob) == [IDLE]


def test_updates_of_many_users_are_gathered(slow, crowd):
    watcher = Watcher(crowd.new(slow))
    devices = slow.register_many(30)
    watcher.watch(*devices)
    began = time.monotonic()
    clients = [crowd.login(device, slow) for device in devices]
    for client in clients:
        watcher.wait(client, ONLINE)
    assert watcher.frames <= (time.monotonic() - began) / 2 + 2


# Time to live, last seen


def test_silent_device_goes_offline_and_comes_back_with_a_sign_of_life(daemons, crowd):
    daemon = daemons({"presence.ttl_s": 1, "presence.update_interval_ms": 20}).start()
    alice, bob = crowd.pair(daemon)
    assert bob.welcome["presenceTtlS"] == 1
    watcher = Watcher(alice)
    watcher.watch(bob)
    set_presence(bob, IDLE)
    heard_by = now_ms()
    told = watcher.wait(bob, OFFLINE)
    assert heard_by - 1500 <= told.last_seen_ms <= heard_by + 500, "last seen is when it was last heard"
    bob.request(ping={})
    assert watcher.wait(bob, IDLE) == Presence(IDLE), "it is again what it said it is"


def test_keepalive_bounds_the_time_to_live(daemons, crowd):
    settings = {"session.keepalive_min_s": 1, "presence.ttl_s": 360, "presence.update_interval_ms": 20}
    daemon = daemons(settings).start()
    bob = crowd.login(daemon.register(), daemon, keepaliveS=1)
    assert bob.welcome["presenceTtlS"] in (1, 2)
    watcher = Watcher(crowd.new(daemon))
    watcher.watch(bob)
    watcher.wait(bob, OFFLINE)


def test_signs_of_life_keep_a_device_present(daemons, crowd):
    daemon = daemons({"presence.ttl_s": 1, "presence.update_interval_ms": 20}).start()
    alice, bob = crowd.pair(daemon)
    watcher = Watcher(alice)
    watcher.watch(bob)
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        bob.request(ping={})
        time.sleep(0.1)
    assert watcher.settle(0).told_of(bob) == []


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_last_seen_survives_restart(daemons, crowd, how):
    settings = {"presence.update_interval_ms": 20, "journal.checkpoint_interval_ms": 100}
    daemon = daemons({**settings, "account.last_seen_interval_s": 1}).start()
    alice, bob = crowd.pair(daemon)
    watcher = Watcher(alice)
    watcher.watch(bob)
    time.sleep(1.1)  # further than the interval from what is in the store
    bob.close()
    told = watcher.wait(bob, OFFLINE).last_seen_ms
    if how == "stop":
        daemon.stop()
        daemon.start()
    else:
        daemon.checkpoint()
        daemon.restart()
    back = Watcher(crowd.login(alice.device, daemon)).watch(bob)[bob.device.user_id]
    assert back.state == OFFLINE and told - 1_100 <= back.last_seen_ms <= told


def test_who_is_there_when_the_server_stops_was_there_until_then(daemons, crowd):
    daemon = daemons({"account.last_seen_interval_s": 1}).start()
    alice, bob = crowd.pair(daemon)
    time.sleep(1.1)
    before = now_ms()
    daemon.stop()
    stopped = now_ms()
    daemon.start()
    told = Watcher(crowd.login(alice.device, daemon)).watch(bob)[bob.device.user_id]
    assert told.state == OFFLINE and before - 1_100 <= told.last_seen_ms <= stopped


def test_presence_costs_no_journal_record(daemons, crowd):
    daemon = daemons({"presence.update_interval_ms": 0}).start()
    alice, bob = crowd.pair(daemon)
    watcher = Watcher(alice)
    watcher.watch(bob)
    before = daemon.metric("godwit_journal_records_total")
    for state in (IDLE, OFFLINE, ONLINE) * 5:
        set_presence(bob, state)
        watcher.wait(bob, state)
    bob.close()
    watcher.wait(bob, OFFLINE)
    assert daemon.metric("godwit_journal_records_total") == before


def test_nothing_is_told_after_unwatching_in_the_same_breath(folk):
    """Requests sent without waiting: what the last one says counts."""
    alice, bob = folk.pair()
    requests = []
    for _ in range(20):
        requests.append(alice.start(watchPresence=watch_body([bob])))
        requests.append(alice.start(watchPresence=watch_body(remove=[bob])))
    replies = [parse(alice.result(request)) for request in requests]
    assert [len(reply) for reply in replies] == [1, 0] * 20
    set_presence(bob, IDLE)
    assert Watcher(alice).settle().updates == []
