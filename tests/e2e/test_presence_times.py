"""When presence is told, when a silent device is there no more, and what of it outlives a restart."""

import time

import pytest
from godwit_e2e.identity import now_ms
from godwit_e2e.presence import IDLE, OFFLINE, ONLINE, Presence, Watcher, set_presence


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
