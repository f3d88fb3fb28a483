"""Who is there: told to who watches; of several devices the most present one counts."""

import time

import pytest
from godwit_e2e.groups import refused
from godwit_e2e.identity import now_ms
from godwit_e2e.presence import HIDDEN, IDLE, OFFLINE, ONLINE, Presence, Watcher, set_presence


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
