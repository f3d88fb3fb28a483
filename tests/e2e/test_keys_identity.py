"""Identity keys and the log of their changes: proofs, revocation, deletion, clocks."""

import pytest
from godwit_e2e.daemon import wait_until
from godwit_e2e.identity import unb64
from godwit_e2e.keys import (
    Identity, check_chains, claim, claim_one, enroll, key_log, packages_of, publish, stock, verify_head,
)  # fmt: skip


@pytest.fixture
def alice(folk):
    return folk.login(folk.daemon.register())


@pytest.fixture
def bob(folk):
    return folk.login(folk.daemon.register())


def own_log(client, user):
    return key_log(client, userId=str(getattr(user, "device", user).user_id))


def devices_of(entry):
    return [(one["deviceId"], unb64(one["identityKey"])) for one in entry.get("devices", [])]


def withdrawn(client, user, devices):
    """Waits until the log's latest entry of the user has only these devices."""
    return wait_until(
        lambda: [device for device, _ in devices_of(own_log(client, user)[-1])] == devices, what="the withdrawal"
    )


@pytest.mark.smoke
def test_identities_are_in_the_log(alice, bob):
    one, two = enroll(alice), enroll(bob)
    for client, identity in ((alice, one), (bob, two)):
        (entry,) = own_log(bob, client)
        assert entry["version"] == "1" and devices_of(entry) == [(1, identity.public_key)]
    check_chains(key_log(bob))


def test_same_identity_again_is_no_change(alice, bob):
    identity = Identity(alice.device)
    for _ in range(2):
        publish(alice, **identity.body())
    assert len(own_log(bob, alice)) == 1


def test_change_of_identity_drops_the_other_keys(alice, bob):
    enroll(alice, packages=5, last_resort=True)
    changed = enroll(alice, packages=1)
    assert stock(alice)["keyPackages"] == 1 and "lastResort" not in stock(alice)
    keys = claim_one(bob, alice)
    assert keys["version"] == "2" and unb64(keys["devices"][0]["identityKey"]) == changed.public_key
    assert [entry["version"] for entry in own_log(bob, alice)] == ["1", "2"]


def test_old_identity_signs_nothing_more(alice):
    old = enroll(alice)
    enroll(alice)
    assert alice.error_of(publishKeys={"keyPackages": old.packages(1)}).code == "key_invalid"


def test_changes_of_several_devices_at_once_are_one_chain(alice, bob, folk):
    devices = [alice] + [folk.login(folk.daemon.link(alice)) for _ in range(3)]
    asked = [(client, client.start(publishKeys=Identity(client.device).body())) for client in devices for _ in range(1)]
    for client, request in asked:
        client.result(request)
    log = own_log(bob, alice)
    assert [int(entry["version"]) for entry in log] == [1, 2, 3, 4]
    assert [device for device, _ in devices_of(log[-1])] == [1, 2, 3, 4]
    check_chains(key_log(bob))


def test_head_only_grows_and_is_consistent(alice, bob):
    enroll(alice)
    before = claim(bob, alice)["head"]
    enroll(alice)
    after = claim(bob, alice, logSize=before["size"])["head"]
    assert int(after["size"]) > int(before["size"]) and after["consistency"]
    verify_head(after, unb64(bob.welcome["logKey"]))


def test_revoked_device_leaves_the_log_and_gives_no_keys(alice, bob, folk):
    enroll(alice, packages=2)
    laptop = folk.login(folk.daemon.link(alice))
    enroll(laptop, packages=2)
    alice.revoke(laptop.device.device_id)
    assert 2 not in packages_of(claim_one(bob, alice))
    withdrawn(bob, alice, [1])
    assert [device["deviceId"] for device in claim_one(bob, alice)["devices"]] == [1]
    check_chains(key_log(bob))


def test_deleted_account_leaves_the_log(alice, bob):
    enroll(alice, packages=2)
    alice.request(deleteAccount=alice.delete_body())
    withdrawn(bob, alice, [])
    reply = claim(bob, alice)
    assert reply["unknown"] == [str(alice.device.user_id)]
    check_chains(key_log(bob))


def test_revocation_and_kill_at_once(daemon):
    alice, bob = daemon.login(daemon.register()), daemon.login(daemon.register())
    enroll(alice, packages=1)
    laptop = daemon.login(daemon.link(alice))
    enroll(laptop, packages=1)
    alice.revoke(laptop.device.device_id)
    daemon.restart()
    bob = daemon.login(bob.device)
    assert 2 not in packages_of(claim_one(bob, alice.device))
    withdrawn(bob, alice, [1])
    check_chains(key_log(bob))


def test_identities_outlive_restarts(daemon):
    clients = [daemon.login(daemon.register()) for _ in range(5)]
    for client in clients:
        enroll(client)
        enroll(client, packages=1)
    before = key_log(clients[0])
    daemon.checkpoint()
    daemon.restart()
    bob = daemon.login(clients[0].device)
    assert key_log(bob) == before
    for client in clients:
        assert claim_one(bob, client.device)["version"] == "2"


@pytest.mark.parametrize("hours", [1, -1])
def test_clock_that_jumps_an_hour(daemon_with_clock, clock, hours):
    daemon = daemon_with_clock
    alice, bob = daemon.login(daemon.register()), daemon.login(daemon.register())
    enroll(alice, packages=2)
    clock.jump_seen_by(alice, hours * 3600)
    enroll(alice, packages=2)
    assert 1 in packages_of(claim_one(bob, alice))
    entries = key_log(bob)
    check_chains(entries)
    times = [int(entry["timeMs"]) for entry in entries]
    assert times == sorted(times), "the log's time never goes back"
