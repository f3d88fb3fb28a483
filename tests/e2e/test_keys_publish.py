"""Publishing keys: what is accepted, what is refused and how, what a repetition does."""

import os
import time

import pytest
from godwit_e2e.identity import b64, unb64
from godwit_e2e.keys import (
    DAY_S, Identity, claim_one, enroll, fresh_ml_kem, fresh_x25519, key_package, packages_of, publish, stock,
)  # fmt: skip
from nacl.bindings import crypto_scalarmult_base
from nacl.signing import SigningKey


@pytest.fixture
def alice(folk):
    return folk.login(folk.daemon.register())


@pytest.fixture
def bob(folk):
    return folk.login(folk.daemon.register())


def refused(client, code, **body):
    error = client.error_of(publishKeys=body)
    assert error.code == code, error
    return error


@pytest.mark.smoke
def test_published_packages_are_in_stock(alice):
    assert stock(alice) == {"max": 200}, "nothing yet"
    identity = Identity(alice.device)
    told = publish(alice, **identity.body(), keyPackages=identity.packages(30))
    assert told == {"keyPackages": 30, "identity": True, "max": 200} == stock(alice)


def test_all_kinds_of_keys_in_one_request(alice, bob):
    identity = Identity(alice.device)
    signed, one_time, pq, last = identity.signed_prekey(), identity.prekey(), identity.pq_prekey(), identity.pq_prekey()
    told = publish(
        alice, **identity.body(), signedPrekey=signed, oneTimePrekeys=[one_time], pqPrekeys=[pq], pqLastResort=last
    )
    assert (told["oneTimePrekeys"], told["pqPrekeys"]) == (1, 1)
    first = claim_one(bob, alice, prekeys=True)["devices"][0]
    assert (first["signedPrekey"], first["oneTimePrekey"], first["pqPrekey"]) == (signed, one_time, pq)
    second = claim_one(bob, alice, prekeys=True)["devices"][0]
    assert "oneTimePrekey" not in second and second["pqPrekey"] == last


def test_larger_ml_kem_keys_fit(alice):
    identity = Identity(alice.device)
    assert publish(alice, **identity.body(), pqPrekeys=[identity.pq_prekey(public_key=fresh_ml_kem(1568))])["pqPrekeys"] == 1


def test_identity_comes_first(alice):
    identity = Identity(alice.device)
    refused(alice, "identity_needed", keyPackages=identity.packages(1))
    publish(alice, **identity.body())
    assert publish(alice, keyPackages=identity.packages(1))["keyPackages"] == 1


@pytest.mark.parametrize("field", ["identitySignature", "deviceSignature"])
def test_wrong_signature_of_an_identity_is_refused(alice, field):
    refused(alice, "key_invalid", **{**Identity(alice.device).body(), field: b64(os.urandom(64))})
    assert not stock(alice).get("identity")


def test_identity_of_another_device_is_refused(alice, bob):
    refused(alice, "key_invalid", **Identity(bob.device).body())


def test_all_or_nothing(alice):
    identity = enroll(alice, packages=2)
    forged = key_package(SigningKey.generate(), identity.name)
    refused(alice, "key_invalid", keyPackages=[*identity.packages(2), b64(forged)])
    broken = bytearray(identity.package())
    broken[-1] ^= 1
    refused(alice, "key_invalid", keyPackages=[*identity.packages(2), b64(bytes(broken))])
    assert stock(alice)["keyPackages"] == 2


def test_prekeys_must_be_signed_by_the_identity(alice):
    identity = enroll(alice)
    other = Identity(alice.device)
    refused(alice, "key_invalid", signedPrekey=other.signed_prekey())
    refused(alice, "key_invalid", pqPrekeys=[other.pq_prekey()])
    refused(alice, "key_invalid", pqLastResort=other.pq_prekey())
    publish(alice, signedPrekey=identity.signed_prekey())


def test_signatures_of_other_kinds_do_not_pass(alice):
    identity = enroll(alice)
    mixed = identity._signed(b"godwit/v1/prekey", 7, fresh_ml_kem())
    refused(alice, "key_invalid", pqPrekeys=[mixed])


def test_packages_of_another_name_suite_or_age_are_refused(alice):
    identity = enroll(alice)
    now = int(time.time())
    for bad in (
        key_package(identity.key, b"\0" * 12),
        identity.package(suite=2),
        identity.package(not_after=now - 1),
        identity.package(not_before=now + 2 * DAY_S),
        identity.package(not_after=now + 500 * DAY_S),
        identity.package(not_before=0, not_after=(1 << 64) - 1),
        identity.package(init_key=b"\1" + bytes(31)),
        identity.package() + b"\0",
        identity.package()[:-1],
        b"",
    ):
        refused(alice, "key_invalid", keyPackages=[b64(bad)])
    publish(alice, keyPackages=[b64(identity.package(not_before=now + 3600, not_after=now + 399 * DAY_S))])


def test_too_large_and_too_many_are_refused(alice):
    identity = enroll(alice)
    publish(alice, keyPackages=[b64(identity.package(filler=bytes(3600)))])
    refused(alice, "too_large", keyPackages=[b64(identity.package(filler=bytes(4000)))])
    refused(alice, "too_large", oneTimePrekeys=[identity.prekey() for _ in range(201)])
    publish(alice, oneTimePrekeys=[identity.prekey() for _ in range(200)])
    refused(alice, "too_large", oneTimePrekeys=[identity.prekey()])


def test_private_keys_are_refused(alice):
    identity = enroll(alice)
    seed = identity.key.encode()
    refused(alice, "key_invalid", oneTimePrekeys=[identity.prekey(public_key=seed)])
    refused(alice, "key_invalid", signedPrekey=identity.signed_prekey(public_key=alice.device.key.encode()))
    private = os.urandom(32)
    pair = [identity.prekey(public_key=crypto_scalarmult_base(private)), identity.prekey(public_key=private)]
    refused(alice, "key_invalid", oneTimePrekeys=pair)
    body = Identity(alice.device).body()
    refused(alice, "key_invalid", **{**body, "identityKey": b64(os.urandom(64))})
    assert "oneTimePrekeys" not in stock(alice)


def test_points_of_small_order_are_refused(alice):
    identity = enroll(alice)
    for point in (bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"):
        refused(alice, "key_invalid", oneTimePrekeys=[identity.prekey(public_key=point)])
        refused(alice, "key_invalid", signedPrekey=identity.signed_prekey(public_key=point))


def test_coefficients_beyond_the_modulus_are_refused(alice):
    identity = enroll(alice)
    refused(alice, "key_invalid", pqPrekeys=[identity.pq_prekey(public_key=b"\xff" * 1184)])
    refused(alice, "key_invalid", pqPrekeys=[identity.pq_prekey(public_key=fresh_ml_kem()[:-1])])


def test_repetition_after_a_lost_answer_puts_nothing_in_twice(alice, bob):
    identity = Identity(alice.device)
    body = {**identity.body(), "keyPackages": identity.packages(3), "oneTimePrekeys": [identity.prekey() for _ in range(3)]}
    first = publish(alice, **body)
    assert publish(alice, **body) == first
    given = set(packages_of(claim_one(bob, alice)).values())
    assert publish(alice, **body)["keyPackages"] == 2, "what was given out does not come back"
    given |= {package for _ in range(2) for package in packages_of(claim_one(bob, alice)).values()}
    assert given == {unb64(package) for package in body["keyPackages"]}
    assert packages_of(claim_one(bob, alice)) == {}


def test_id_with_another_key_is_refused(alice, bob):
    identity = enroll(alice)
    publish(alice, oneTimePrekeys=[identity.prekey(id=5)], pqPrekeys=[identity.pq_prekey(id=6)])
    refused(alice, "key_id_reused", oneTimePrekeys=[identity.prekey(id=5)])
    refused(alice, "key_id_reused", pqPrekeys=[identity.pq_prekey(id=6)])
    refused(alice, "key_id_reused", pqLastResort=identity.pq_prekey(id=6))
    refused(alice, "key_id_reused", oneTimePrekeys=[identity.prekey(id=8), identity.prekey(id=8)])
    claim_one(bob, alice, prekeys=True)
    refused(alice, "key_id_reused", oneTimePrekeys=[identity.prekey(id=5)])
    signed = identity.signed_prekey(id=9)
    publish(alice, signedPrekey=signed)
    publish(alice, signedPrekey=signed)
    refused(alice, "key_id_reused", signedPrekey=identity.signed_prekey(id=9))


def test_replacement_drops_what_is_not_in_it(alice, bob):
    identity = enroll(alice)
    old, kept, new = identity.packages(2), identity.packages(1), identity.packages(1)
    publish(alice, keyPackages=[*old, *kept])
    body = {"keyPackages": [*kept, *new], "replace": True}
    assert publish(alice, **body)["keyPackages"] == 2
    assert publish(alice, **body)["keyPackages"] == 2, "a repetition changes nothing"
    given = {package for _ in range(2) for package in packages_of(claim_one(bob, alice)).values()}
    assert given == {unb64(package) for package in (*kept, *new)}


def test_keys_outlive_a_restart(daemon):
    alice, bob = daemon.login(daemon.register()), daemon.login(daemon.register())
    identity = Identity(alice.device)
    packages = identity.packages(5)
    publish(alice, **identity.body(), keyPackages=packages)
    given = set(packages_of(claim_one(bob, alice)).values())
    for restart in (daemon.restart, lambda: (daemon.checkpoint(), daemon.restart())):
        restart()
        bob = daemon.login(bob.device)
        given |= set(packages_of(claim_one(bob, alice.device)).values())
    daemon.checkpoint()
    daemon.restart()
    alice = daemon.login(alice.device)
    assert stock(alice)["keyPackages"] == 2
    assert len(given) == 3 and given <= {unb64(package) for package in packages}
    assert publish(alice, keyPackages=packages)["keyPackages"] == 2, "it remembers them"


def test_hour_of_published_keys_is_bounded(daemons):
    daemon = daemons({"keys.published_per_hour": 20}).start()
    alice = daemon.login(daemon.register())
    identity = enroll(alice, packages=10)
    error = refused(alice, "rate_limited", keyPackages=identity.packages(10))
    assert error.retryable and error.retry_after_ms > 0
    daemon.checkpoint()
    daemon.restart()
    refused(daemon.login(alice.device), "rate_limited", keyPackages=identity.packages(10))


def test_hour_counts_what_is_refused_unseen(daemons):
    daemon = daemons({"keys.published_per_hour": 4}).start()
    alice = daemon.login(daemon.register())
    for _ in range(2):
        refused(alice, "identity_needed", keyPackages=[b64(b"x")])
    refused(alice, "rate_limited", keyPackages=[b64(b"x")])


def test_day_of_identity_changes_is_bounded(daemons):
    daemon = daemons({"keys.identities_per_day": 2}).start()
    alice = daemon.login(daemon.register())
    enroll(alice)
    enroll(alice)
    error = refused(alice, "rate_limited", **Identity(alice.device).body())
    assert error.retryable and error.retry_after_ms > 60_000
    assert stock(alice)["identity"]


def test_refused_signatures_count(daemons):
    daemon = daemons({"keys.published_per_hour": 20}).start()
    alice = daemon.login(daemon.register())
    identity = enroll(alice)
    package = identity.package()
    broken = b64(package[:-1] + bytes([package[-1] ^ 1]))
    codes = [alice.error_of(publishKeys={"keyPackages": [broken]}).code for _ in range(20)]
    assert codes[0] == "key_invalid" and codes[-1] == "rate_limited"
