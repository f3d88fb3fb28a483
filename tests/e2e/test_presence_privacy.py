"""Presence is told to whom the user allows, of whom the watcher allows: anything else looks like nobody."""

import pytest
from godwit_e2e.groups import add_contacts, create_group, ids, set_privacy
from godwit_e2e.presence import HIDDEN, IDLE, NOTHING, OFFLINE, ONLINE, Presence, Watcher, set_presence

UNKNOWN = 77


def rule(audience, *exceptions):
    return {"audience": audience, "except": ids(exceptions)} if exceptions else {"audience": audience}


def remove_contact(client, user):
    client.request(changeContacts={"remove": ids([user])})


def seen_by(client, user):
    """A fresh look at a user, who is watched no longer afterwards."""
    watcher = Watcher(client)
    (told,) = watcher.watch(user).values()
    watcher.unwatch(user)
    return told


@pytest.fixture
def pair(folk):
    return folk.pair()


@pytest.fixture
def left(folk):
    """Alice, and the device of Bob, who was there and left."""
    alice, bob = folk.pair()
    watcher = Watcher(alice)
    watcher.watch(bob)
    bob.close()
    assert watcher.wait(bob, OFFLINE).last_seen_ms > 0
    watcher.unwatch(bob)
    return alice, bob.device


def changed_by(folk, device, **settings):
    """Changes the privacy of somebody who is not there, from a device in the background."""
    client = folk.login(device, presence=OFFLINE)
    set_privacy(client, **settings)
    client.close()


# Who is there


def test_everyone_sees_by_default(pair):
    alice, bob = pair
    assert seen_by(alice, bob).state == ONLINE


def test_contacts_see_and_strangers_do_not(folk):
    alice, bob, stranger = (folk.new() for _ in range(3))
    set_privacy(bob, online=rule("CONTACTS"))
    add_contacts(bob, alice)
    assert seen_by(alice, bob).state == ONLINE
    assert seen_by(stranger, bob) == NOTHING == seen_by(stranger, UNKNOWN)


def test_being_in_the_watchers_contacts_is_not_enough(pair):
    alice, bob = pair
    set_privacy(bob, online=rule("CONTACTS"))
    add_contacts(alice, bob)
    assert seen_by(alice, bob) == NOTHING


def test_nobody_sees(pair):
    alice, bob = pair
    add_contacts(bob, alice)
    set_privacy(bob, online=rule("NOBODY"))
    assert seen_by(alice, bob) == NOTHING


def test_exceptions_do_not_see(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    set_privacy(bob, online=rule("EVERYONE", alice))
    assert seen_by(alice, bob) == NOTHING
    assert seen_by(carol, bob).state == ONLINE


def test_who_hides_does_not_see(pair):
    alice, bob = pair
    set_privacy(alice, online=rule("NOBODY"))
    assert seen_by(alice, bob) == NOTHING


def test_who_hides_from_one_does_not_see_that_one(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    set_privacy(alice, online=rule("EVERYONE", bob))
    assert seen_by(alice, bob) == NOTHING
    assert seen_by(alice, carol).state == ONLINE
    assert seen_by(carol, alice).state == ONLINE


def test_who_shows_it_to_contacts_sees_contacts_only(folk):
    alice, friend, stranger = (folk.new() for _ in range(3))
    set_privacy(alice, online=rule("CONTACTS"))
    add_contacts(alice, friend)
    assert seen_by(alice, friend).state == ONLINE
    assert seen_by(alice, stranger) == NOTHING


@pytest.mark.smoke
def test_blocked_see_nobody(pair):
    alice, bob = pair
    bob.block(alice.device)
    assert seen_by(alice, bob) == NOTHING == seen_by(alice, UNKNOWN)


def test_blockers_see_nobody_either(pair):
    alice, bob = pair
    alice.block(bob.device)
    assert seen_by(alice, bob) == NOTHING


def test_blocked_see_nobody_in_groups(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    chat = create_group(carol, alice, bob)
    bob.block(alice.device)
    told = Watcher(alice).watch(groups=[chat])
    assert told[bob.device.user_id] == NOTHING and told[carol.device.user_id].state == ONLINE


def test_hidden_is_the_same_frame_as_unknown(folk):
    """Byte for byte, but for the ids: what is not told is not there."""
    alice, hider, blocker = (folk.new() for _ in range(3))
    set_privacy(hider, online=rule("NOBODY"))
    blocker.block(alice.device)
    for user in (hider.device.user_id, blocker.device.user_id, UNKNOWN):
        reply = alice.request(watchPresence={"add": [str(user)]})
        assert reply == {"presences": [{"userId": str(user)}]}


def test_own_presence_is_always_seen_by_oneself(folk):
    alice = folk.new()
    set_privacy(alice, online=rule("NOBODY"), lastSeen=rule("NOBODY"))
    assert seen_by(alice, alice).state == ONLINE


# Last seen


def test_last_seen_is_told_by_default(left):
    alice, bob = left
    told = seen_by(alice, bob)
    assert told.state == OFFLINE and told.last_seen_ms > 0


@pytest.mark.parametrize("audience", ["NOBODY", "CONTACTS"])
def test_hidden_last_seen_is_offline_without_time(left, folk, audience):
    alice, bob = left
    changed_by(folk, bob, lastSeen=rule(audience))
    assert seen_by(alice, bob) == Presence(OFFLINE)


def test_last_seen_except_one(left, folk):
    alice, bob = left
    carol = folk.new()
    changed_by(folk, bob, lastSeen=rule("EVERYONE", alice))
    assert seen_by(alice, bob) == Presence(OFFLINE)
    assert seen_by(carol, bob).last_seen_ms > 0


def test_who_hides_last_seen_does_not_see_it(left):
    alice, bob = left
    set_privacy(alice, lastSeen=rule("NOBODY"))
    assert seen_by(alice, bob) == Presence(OFFLINE)


def test_hiding_last_seen_hides_not_who_is_there(pair):
    alice, bob = pair
    set_privacy(bob, lastSeen=rule("NOBODY"))
    watcher = Watcher(alice)
    assert watcher.watch(bob)[bob.device.user_id].state == ONLINE
    bob.close()
    assert watcher.wait(bob, OFFLINE) == Presence(OFFLINE)


def test_hidden_user_who_is_offline_is_nothing(left, folk):
    alice, bob = left
    changed_by(folk, bob, online=rule("NOBODY"))
    assert seen_by(alice, bob) == NOTHING, "last seen is no way around it"


# Changes while watching


def test_hiding_takes_effect_while_watched(pair):
    alice, bob = pair
    watcher = Watcher(alice)
    watcher.watch(bob)
    set_privacy(bob, online=rule("NOBODY"))
    assert watcher.wait(bob, HIDDEN) == NOTHING
    watcher.updates.clear()
    set_presence(bob, IDLE)
    assert watcher.settle().told_of(bob) == [], "changes are told no more"
    set_privacy(bob, online=rule("EVERYONE"))
    watcher.wait(bob, IDLE)


def test_hiding_by_the_watcher_takes_effect(pair):
    alice, bob = pair
    watcher = Watcher(alice)
    watcher.watch(bob)
    set_privacy(alice, online=rule("NOBODY"))
    assert watcher.wait(bob, HIDDEN) == NOTHING
    set_privacy(alice, online=rule("EVERYONE"))
    watcher.wait(bob, ONLINE)


def test_block_takes_effect_while_watched_for_both(pair):
    alice, bob = pair
    watchers = Watcher(alice), Watcher(bob)
    watchers[0].watch(bob)
    watchers[1].watch(alice)
    bob.block(alice.device)
    assert watchers[0].wait(bob, HIDDEN) == watchers[1].wait(alice, HIDDEN) == NOTHING
    bob.block(alice.device, lift=True)
    watchers[0].wait(bob, ONLINE)
    watchers[1].wait(alice, ONLINE)


def test_contacts_that_come_and_go_take_effect(pair):
    alice, bob = pair
    set_privacy(bob, online=rule("CONTACTS"))
    watcher = Watcher(alice)
    assert watcher.watch(bob)[bob.device.user_id] == NOTHING
    add_contacts(bob, alice)
    watcher.wait(bob, ONLINE)
    remove_contact(bob, alice)
    assert watcher.wait(bob, HIDDEN) == NOTHING


def test_contacts_of_the_watcher_take_effect(pair):
    alice, bob = pair
    set_privacy(alice, online=rule("CONTACTS"))
    watcher = Watcher(alice)
    assert watcher.watch(bob)[bob.device.user_id] == NOTHING
    add_contacts(alice, bob)
    watcher.wait(bob, ONLINE)
    remove_contact(alice, bob)
    assert watcher.wait(bob, HIDDEN) == NOTHING


def test_hiding_last_seen_takes_effect_while_watched(left, folk):
    alice, bob = left
    watcher = Watcher(alice)
    watcher.watch(bob)
    changed_by(folk, bob, lastSeen=rule("NOBODY"))
    assert watcher.settle().known[bob.user_id] == Presence(OFFLINE)
    changed_by(folk, bob, lastSeen=rule("EVERYONE"))
    assert watcher.settle().known[bob.user_id].last_seen_ms > 0


def test_unrelated_change_of_privacy_tells_nothing(pair):
    alice, bob = pair
    watcher = Watcher(alice)
    watcher.watch(bob)
    set_privacy(bob, profile=rule("NOBODY"), hideReadReceipts=True)
    set_privacy(alice, profile=rule("NOBODY"))
    assert watcher.settle().updates == []


def test_hidden_users_flapping_is_not_told(pair):
    alice, bob = pair
    set_privacy(bob, online=rule("NOBODY"))
    watcher = Watcher(alice)
    watcher.watch(bob)
    for state in (IDLE, OFFLINE, ONLINE) * 3:
        set_presence(bob, state)
    bob.close()
    assert watcher.settle().updates == []


def test_privacy_holds_after_a_restart(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    set_privacy(bob, online=rule("NOBODY"))
    daemon.restart()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    assert seen_by(alice, bob) == NOTHING
