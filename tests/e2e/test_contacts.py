"""Contacts are kept and listed; handles are found by their hash, by those who may, within the rate."""

import hashlib
import hmac

import pytest
from godwit_e2e.identity import b64, unb64

pytestmark = pytest.mark.smoke


def change(client, add=(), remove=(), note=b""):
    contacts = [{"userId": str(user), "note": b64(note)} for user in add]
    return client.request(changeContacts={"add": contacts, "remove": [str(user) for user in remove]})


def listed(client, **page):
    """{id: note} in the order told."""
    reply = client.request(listContacts=page)
    return {int(c["userId"]): unb64(c.get("note", "")) for c in reply.get("contacts", [])}


def hash_key(client):
    return unb64(client.request(findContacts={})["hashKey"])


def find(client, *handles):
    """The user ids found, in order."""
    key = hash_key(client)
    hashes = [hmac.new(key, handle.encode(), hashlib.sha256).digest()[:16] for handle in handles]
    reply = client.request(findContacts={"hashes": [b64(h) for h in hashes]})
    found = reply.get("found", [])
    assert all(unb64(one["hash"]) in hashes for one in found)
    return [int(one["userId"]) for one in found]


def test_contacts_are_added_changed_removed_and_outlive_kill(daemon, crowd):
    alice = crowd.new(daemon)
    change(alice, add=[30, 10, 20], note=b"first")
    daemon.checkpoint()
    change(alice, add=[20, 40], note=b"second", remove=[10, 77])
    expected = {20: b"second", 30: b"first", 40: b"second"}
    assert listed(alice) == expected and list(listed(alice)) == sorted(expected)
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert listed(alice) == expected
    daemon.checkpoint()
    daemon.restart()
    assert listed(crowd.login(alice.device, daemon)) == expected


def test_contacts_come_in_pages(people):
    alice = people.new()
    change(alice, add=range(1, 251))
    assert list(listed(alice)) == list(range(1, 201))
    reply = alice.request(listContacts={"after": "200", "limit": 49})
    assert len(reply["contacts"]) == 49 and reply["more"] is True
    assert "more" not in alice.request(listContacts={"after": "200", "limit": 50})


def test_bad_contacts_are_refused_and_change_nothing(people):
    alice = people.new()

    def code(**body):
        return alice.error_of(changeContacts=body).code

    assert code(add=[{"userId": "0"}]) == "invalid_argument"
    assert code(add=[{"userId": "5"}, {"userId": str(alice.device.user_id)}]) == "invalid_argument"
    assert code(add=[{"userId": "5", "note": b64(bytes(257))}]) == "too_large"
    assert code(add=[{"userId": str(id)} for id in range(1, 1002)]) == "too_large"
    assert code(remove=[str(id) for id in range(1, 1002)]) == "too_large"
    assert listed(alice) == {}


def test_users_are_found_by_the_hash_of_their_handle(people):
    alice, bob = people.pair()
    carol = people.new()
    handles = [carol.device.handle, "nobody.of.this.name", bob.device.handle]
    assert find(alice, *handles) == [carol.device.user_id, bob.device.user_id]


def test_hash_key_and_hashes_outlive_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    key = hash_key(alice)
    daemon.checkpoint()
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert hash_key(alice) == key and len(key) == 32
    assert find(alice, bob.device.handle) == [bob.device.user_id]


def test_another_data_directory_has_another_key(daemons, crowd):
    keys = {hash_key(crowd.new(daemons().start())) for _ in range(2)}
    assert len(keys) == 2


def test_whoever_hides_the_profile_or_blocks_is_not_found(people):
    alice, bob = people.pair()
    bob.request(setPrivacy={"profile": {"audience": "NOBODY"}})
    assert find(alice, bob.device.handle) == []
    bob.request(setPrivacy={"profile": {"audience": "CONTACTS"}})
    assert find(alice, bob.device.handle) == []
    change(bob, add=[alice.device.user_id])
    assert find(alice, bob.device.handle) == [bob.device.user_id]
    bob.block(alice.device)
    assert find(alice, bob.device.handle) == []
    bob.block(alice.device, lift=True)
    bob.request(setPrivacy={"profile": {"audience": "EVERYONE", "except": [str(alice.device.user_id)]}})
    assert find(alice, bob.device.handle) == []


def test_deleted_users_are_not_found(people):
    alice, bob = people.pair()
    bob.request(deleteAccount=bob.delete_body())
    assert find(alice, bob.device.handle) == []


def test_lookups_are_limited_by_day_on_any_device_and_after_restart(daemons, crowd):
    daemon = daemons({"account.contact_lookups_per_day": 10}).start()
    alice, bob = crowd.pair(daemon)
    assert find(alice, *[bob.device.handle] * 9) == [bob.device.user_id] * 9
    laptop_device = daemon.link(alice)
    laptop = crowd.login(laptop_device, daemon)
    assert find(laptop, bob.device.handle) == [bob.device.user_id]
    refused = laptop.error_of(findContacts={"hashes": [b64(bytes(16))]})
    assert refused.code == "rate_limited" and 8_000_000 < refused.retry_after_ms <= 8_640_000
    daemon.stop()
    daemon.start()
    alice = crowd.login(alice.device, daemon)
    assert alice.error_of(findContacts={"hashes": [b64(bytes(16))]}).code == "rate_limited"
    bob = crowd.login(bob.device, daemon)
    assert bob.error_of(findContacts={"hashes": [b64(bytes(16))] * 11}).code == "too_large"


def test_bad_hashes_are_refused(people):
    alice = people.new()
    assert alice.error_of(findContacts={"hashes": [b64(bytes(15))]}).code == "invalid_argument"
    assert alice.error_of(findContacts={"hashes": [b64(bytes(16))] * 1001}).code == "too_large"


def test_lookups_are_counted(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    find(alice, bob.device.handle, "nobody.else")
    assert daemon.metric("godwit_contact_lookups_total") == 2
    assert daemon.metric("godwit_contacts_found_total") == 1
