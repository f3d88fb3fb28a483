"""Privacy settings, names and last seen of devices, the list of blocks: they hold, and outlive a kill."""

import time

import pytest

pytestmark = pytest.mark.smoke


def privacy(client):
    return client.request(getPrivacy={})


def test_settings_are_changed_one_by_one(people):
    alice = people.new()
    assert privacy(alice)["profile"] == {"audience": "EVERYONE"}
    alice.request(setPrivacy={"profile": {"audience": "CONTACTS", "except": ["9", "7"]}})
    told = alice.request(setPrivacy={"hideReadReceipts": True})
    assert told["profile"] == {"audience": "CONTACTS", "except": ["7", "9"]}
    assert told["hideReadReceipts"] is True and "askFirst" not in told
    assert privacy(alice) == told
    assert "hideReadReceipts" not in alice.request(setPrivacy={"hideReadReceipts": False})


def test_settings_hold_for_all_devices(people, shared):
    alice = people.new()
    laptop = people.login(shared.link(alice))
    alice.request(setPrivacy={"online": {"audience": "NOBODY"}})
    assert privacy(laptop)["online"]["audience"] == "NOBODY"


def test_settings_outlive_kill_before_and_after_a_checkpoint(daemon, crowd):
    alice = crowd.new(daemon)
    told = alice.request(setPrivacy={"lastSeen": {"audience": "NOBODY"}, "askFirst": True})
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert privacy(alice) == told
    daemon.checkpoint()
    daemon.restart()
    assert privacy(crowd.login(alice.device, daemon)) == told


def test_bad_settings_change_nothing(people):
    alice = people.new()
    before = privacy(alice)
    assert alice.error_of(setPrivacy={"profile": {"audience": 17}}).code == "invalid_argument"
    assert alice.error_of(setPrivacy={"profile": {"except": ["0"]}}).code == "invalid_argument"
    many = [str(id) for id in range(1, 1002)]
    assert alice.error_of(setPrivacy={"askFirst": True, "status": {"except": many}}).code == "too_large"
    assert privacy(alice) == before


def test_privacy_needs_hello(people):
    stranger = people.connect()
    for body in ("getPrivacy", "setPrivacy", "listContacts", "changeContacts", "findContacts", "renameDevice",
                 "listBlocks", "exportAccount"):
        assert stranger.error_of(**{body: {}}).code == "wrong_state"


def test_device_gets_another_name(daemon, crowd):
    alice = crowd.new(daemon)
    laptop = daemon.link(alice)
    alice.request(renameDevice={"deviceId": laptop.device_id, "name": "laptop at work"})
    assert alice.error_of(renameDevice={"deviceId": 77, "name": "x"}).code == "device_not_found"
    assert alice.error_of(renameDevice={"deviceId": 1, "name": "x" * 65}).code == "too_large"
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert alice.devices()[1]["name"] == "laptop at work"


def test_last_seen_is_now_then_when_the_device_left(daemon, crowd):
    alice = crowd.new(daemon)
    laptop_device = daemon.link(alice)
    laptop = crowd.login(laptop_device, daemon)

    def seen():
        return int(alice.devices()[1].get("lastSeenMs", 0))

    first = seen()
    assert abs(first - time.time() * 1000) < 10_000
    laptop.close()
    deadline = time.monotonic() + 10
    while alice.devices()[1].get("online"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    left = seen()
    assert left >= first
    time.sleep(0.05)
    assert seen() == left
    # The store had it from the login on: a stop in order cannot be later than what memory knew.
    daemon.stop()
    daemon.start()
    alice = crowd.login(alice.device, daemon)
    assert first - 10_000 < seen() <= left


def test_last_seen_costs_no_journal_record(daemon, crowd):
    alice = crowd.new(daemon)
    before = daemon.metric("godwit_journal_records_total")
    for _ in range(5):
        alice.close()
        alice = crowd.login(alice.device, daemon)
    assert daemon.metric("godwit_journal_records_total") == before


def test_blocks_are_listed(people):
    alice, bob = people.pair()
    carol = people.new()
    assert alice.request(listBlocks={}) == {}
    alice.block(bob.device)
    alice.block(carol.device)
    alice.block(carol.device, lift=True)
    assert alice.request(listBlocks={}) == {"users": [str(bob.device.user_id)]}
