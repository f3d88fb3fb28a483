"""Claiming keys: each one-time key goes to one claimer; last resorts, limits, and what claimers cannot learn."""

import pytest
from godwit_e2e.binary import BinaryClient, decode, field
from godwit_e2e.identity import b64, now_ms, unb64
from godwit_e2e.keys import (
    DAY_S, Identity, claim, claim_body, claim_one, enroll, packages_of, publish, stock,
)  # fmt: skip

HOUR_S = 3600
NOBODY = 0x1234_5678_9ABC


@pytest.fixture
def alice(folk):
    return folk.login(folk.daemon.register())


@pytest.fixture
def bob(folk):
    return folk.login(folk.daemon.register())


def claims(client, user, count):
    """What so many claims in a row bring: packages of the only device."""
    return [packages_of(claim_one(client, user)).get(1) for _ in range(count)]


@pytest.mark.smoke
def test_packages_go_out_oldest_first_and_once(alice, bob):
    identity = Identity(alice.device)
    packages = identity.packages(3)
    publish(alice, **identity.body(), keyPackages=packages)
    assert claims(bob, alice, 4) == [*map(unb64, packages), None]


def test_what_is_told_of_a_device_proves_it(alice, bob):
    identity = enroll(alice, packages=1)
    keys = claim_one(bob, alice)
    (device,) = keys["devices"]
    body = identity.body()
    assert (device["identityKey"], device["identitySignature"], device["deviceSignature"]) == tuple(body.values())
    assert unb64(device["deviceKey"]) == alice.device.public_key
    assert keys["version"] == "1" and "withheld" not in keys


def test_last_resort_is_given_again_and_again(alice, bob):
    identity = Identity(alice.device)
    last = identity.package(last_resort=True)
    publish(alice, **identity.body(), keyPackages=[b64(last), *identity.packages(1)])
    assert stock(alice)["lastResort"] and stock(alice)["keyPackages"] == 1
    first = claim_one(bob, alice)["devices"][0]
    assert unb64(first["keyPackage"]) != last and "lastResort" not in first
    for _ in range(3):
        again = claim_one(bob, alice)["devices"][0]
        assert unb64(again["keyPackage"]) == last and again["lastResort"]


def test_each_device_gives_one(alice, bob, folk):
    enroll(alice, packages=1)
    laptop = folk.login(folk.daemon.link(alice))
    other = enroll(laptop, packages=1)
    keys = claim_one(bob, alice)
    assert sorted(packages_of(keys)) == [1, 2]
    assert keys["version"] == "2" and [device["deviceId"] for device in keys["devices"]] == [1, 2]
    linked = keys["devices"][1]
    assert unb64(linked["identityKey"]) == other.public_key
    assert linked["approvedBy"] == 1 and len(unb64(linked["approvalSignature"])) == 64
    assert "approvedBy" not in keys["devices"][0]


def test_only_some_devices(alice, bob, folk):
    enroll(alice, packages=1)
    enroll(folk.login(folk.daemon.link(alice)), packages=1)
    only = [{"userId": str(alice.device.user_id), "deviceId": 2}]
    keys = claim_one(bob, alice, only=only)
    assert list(packages_of(keys)) == [2] and len(keys["devices"]) == 2
    assert stock(alice)["keyPackages"] == 1


def test_own_other_devices_but_not_the_asking_one(alice, folk):
    enroll(alice, packages=1)
    enroll(folk.login(folk.daemon.link(alice)), packages=1)
    keys = claim_one(alice, alice)
    assert list(packages_of(keys)) == [2] and "withheld" not in keys
    assert stock(alice)["keyPackages"] == 1


def test_identity_only_claim_takes_nothing(alice, bob):
    enroll(alice, packages=2)
    keys = claim_one(bob, alice, key_packages=False)
    assert packages_of(keys) == {} and len(keys["devices"]) == 1
    assert stock(alice)["keyPackages"] == 2


def test_unknown_users_and_users_without_keys_are_told_apart(alice, bob):
    reply = claim(bob, alice, NOBODY, bob)
    assert [int(one["userId"]) for one in reply["users"]] == [alice.device.user_id, bob.device.user_id]
    assert reply["unknown"] == [str(NOBODY)]
    assert "version" not in reply["users"][0] and "devices" not in reply["users"][0]


def test_users_named_twice_are_served_once(alice, bob):
    enroll(alice, packages=2)
    assert len(claim(bob, alice, alice)["users"]) == 1
    assert stock(alice)["keyPackages"] == 1


def test_malformed_claims_are_refused(alice):
    assert alice.error_of(claimKeys={}).code == "invalid_argument"
    assert alice.error_of(claimKeys=claim_body(range(1, 1002))).code == "too_large"
    assert alice.error_of(claimKeys=claim_body([5], logSize=str(1 << 60))).code == "invalid_argument"


def test_log_size_beyond_the_log_takes_nothing(alice, bob):
    enroll(alice, packages=1)
    assert bob.error_of(claimKeys=claim_body([alice], logSize=str(1 << 40))).code == "invalid_argument"
    assert stock(alice)["keyPackages"] == 1


def test_expired_packages_are_not_given(daemon_with_clock, clock):
    daemon = daemon_with_clock
    alice, bob = daemon.login(daemon.register()), daemon.login(daemon.register())
    identity = Identity(alice.device)
    soon = now_ms() // 1000 + HOUR_S
    late = [identity.package(not_after=soon + 30 * DAY_S)]
    short = [identity.package(not_after=soon) for _ in range(3)]
    last = identity.package(last_resort=True, not_after=soon)
    publish(alice, **identity.body(), keyPackages=[b64(one) for one in (*short, *late, last)])
    assert stock(alice)["keyPackages"] == 4
    clock.jump_seen_by(alice, 2 * HOUR_S)
    assert stock(alice)["keyPackages"] == 1 and "lastResort" not in stock(alice)
    assert claims(bob, alice, 2) == [late[0], None]
    daemon.checkpoint()
    assert daemon.metric("godwit_keys_claimed_total") == 1


def test_blocked_is_told_what_everybody_is_told(alice, bob, folk):
    carol = folk.login(folk.daemon.register())
    identity = Identity(alice.device)
    last = b64(identity.package(last_resort=True))
    publish(alice, **identity.body(), keyPackages=[last, *identity.packages(9)])
    alice.block(bob.device)
    told, packages = {}, {}
    for client in (bob, carol):
        told[client] = [claim_one(client, alice) for _ in range(6)]
        packages[client] = [packages_of(keys)[1] for keys in told[client]]
        for keys in told[client]:
            del keys["devices"][0]["keyPackage"]
    assert told[bob] == told[carol], "but for the packages nothing differs"
    assert [keys.get("withheld", False) for keys in told[bob]] == [False] * 4 + [True] * 2
    assert len(set(packages[bob][:4] + packages[carol][:4])) == 8
    assert {*packages[bob][4:], *packages[carol][4:]} == {unb64(last)}
    assert stock(alice)["keyPackages"] == 1


def test_flood_of_claims_leaves_last_resorts(daemons):
    daemon = daemons({"keys.claimed_per_hour": 10, "keys.claimed_per_claimer": 5}).start()
    alice = daemon.login(daemon.register())
    enroll(alice, packages=30, last_resort=True)
    claimers = [daemon.login(daemon.register()) for _ in range(4)]
    given = [claim_one(one, alice)["devices"][0].get("lastResort", False) for one in claimers for _ in range(5)]
    assert given == [False] * 10 + [True] * 10
    assert stock(alice)["keyPackages"] == 20
    daemon.checkpoint()
    daemon.restart()
    assert claim_one(daemon.login(claimers[0].device), alice.device)["withheld"], "it is remembered"


def test_claimer_has_an_hour_of_claims(daemons):
    daemon = daemons({"keys.claims_per_hour": 5, "keys.lookups_per_hour": 7, "keys.claimed_per_claimer": 0}).start()
    alice, bob = daemon.login(daemon.register()), daemon.login(daemon.register())
    enroll(alice, packages=9)
    claims(bob, alice, 5)
    error = bob.error_of(claimKeys=claim_body([alice]))
    assert error.code == "rate_limited" and error.retryable and error.retry_after_ms > 0
    for _ in range(7):
        claim_one(bob, alice, key_packages=False)
    assert bob.error_of(claimKeys=claim_body([alice], key_packages=False)).code == "rate_limited"
    assert stock(alice)["keyPackages"] == 4


def test_what_does_not_fit_is_left_out_and_not_used_up(daemons):
    daemon = daemons({"keys.max_claim_bytes": 131072}).start()
    bob = daemon.login(daemon.register())
    people = [daemon.login(daemon.register()) for _ in range(40)]
    for one in people:
        identity = Identity(one.device)
        publish(one, **identity.body(), keyPackages=[b64(identity.package(filler=bytes(3600))) for _ in range(2)])
    wanted, got, rounds = list(people), {}, 0
    while wanted:
        reply = claim(bob, *wanted)
        told = [int(one["userId"]) for one in reply["users"]]
        left = [int(user) for user in reply.get("leftOut", [])]
        assert told and told + left == [one.device.user_id for one in wanted], "in order"
        for keys in reply["users"]:
            got[int(keys["userId"])] = packages_of(keys)[1]
        wanted = [one for one in wanted if one.device.user_id in left]
        for one in wanted:
            assert stock(one)["keyPackages"] == 2
        rounds += 1
    assert rounds == 2 and len(got) == 40
    assert {stock(one)["keyPackages"] for one in people} == {1}
    assert daemon.metric("godwit_key_claims_left_out_total") > 0


def test_low_stock_is_told_once(alice, bob, folk):
    identity = enroll(alice, packages=23)
    assert alice.take_pushes("keyStock") == []
    carol = folk.login(folk.daemon.register())
    claims(bob, alice, 4)
    claims(carol, alice, 1)
    (told,) = alice.take_pushes("keyStock")
    assert told["low"] and told["keyPackages"] == 20
    publish(alice, keyPackages=identity.packages(5))
    assert alice.take_pushes("keyStock") == []
    claims(carol, alice, 3)
    assert len(alice.take_pushes("keyStock")) == 1
    again = folk.login(alice.device)
    assert again.wait_push("keyStock")["keyPackages"] == 20, "who connects with a low stock is told"


def test_claims_by_the_binary_protocol(alice, folk):
    enroll(alice, packages=1)
    client = BinaryClient(folk.daemon.client_port)
    client.register_and_hello()
    user = field(1, alice.device.user_id, fixed=True)
    reply = decode(client.request(105, user + field(3, 1))[105])
    keys = decode(reply[1])
    assert len(decode(keys[6])[12]) > 200, "a key package"
