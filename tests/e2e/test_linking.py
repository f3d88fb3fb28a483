"""A further device gets into an account by the approval of one that is in it."""

import time

import pytest
from godwit_e2e.identity import Device, unb64, user_bytes
from nacl.signing import VerifyKey

pytestmark = pytest.mark.smoke


def test_linked_device_gets_messages_and_own_copies(people, shared):
    alice, bob = people.pair()
    alice.send(bob.device, b"before the link")
    laptop = people.login(shared.link(alice))
    assert laptop.device.device_id == 2
    assert laptop.wait_caught_up() == 0, "a new device starts at the end of the inbox"

    alice.send(bob.device, b"own copy")
    for device in (alice, laptop):
        (copy,) = device.receive()
        assert (copy.payload, copy.sender, copy.device) == (b"own copy", alice.device.user_id, 1)
        assert copy.to == bob.device.user_id
    bob.send(alice.device, b"to both")
    for device in (alice, laptop):
        (envelope,) = device.receive()
        assert (envelope.payload, envelope.sender, envelope.to) == (b"to both", bob.device.user_id, 0)

    history, end, more = laptop.history(bob.device)
    assert [e.payload for e in history] == [b"before the link", b"own copy", b"to both"]
    assert (end, more) == (3, False)


def test_own_copies_wait_for_the_absent_device(people, shared):
    alice, bob = people.pair()
    laptop = shared.link(alice)
    alice.send_many(bob.device, [b"one", b"two"])
    client = people.login(laptop)
    assert [(e.payload, e.to) for e in client.receive(2)] == [
        (b"one", bob.device.user_id),
        (b"two", bob.device.user_id),
    ]


def test_own_reading_reaches_the_other_device(people, shared):
    alice, bob = people.pair()
    laptop = people.login(shared.link(alice))
    bob.send(alice.device)
    alice.read(bob.device, 1)
    laptop.wait_watermark(bob.device, alice.device, delivered=1, read=1)


def test_approval_can_be_verified_by_others(people, shared):
    alice = people.new()
    laptop = shared.link(alice)
    first, second = alice.devices()
    assert (first["deviceId"], first.get("current"), "approvedBy" in first) == (1, True, False)
    assert (second["deviceId"], second["approvedBy"]) == (2, 1)
    assert unb64(second["deviceKey"]) == laptop.public_key
    signed = b"godwit/v1/link-approve\0" + unb64(second["approvalLinkId"]) + laptop.public_key
    VerifyKey(unb64(first["deviceKey"])).verify(
        signed + user_bytes(alice.device.user_id), unb64(second["approvalSignature"])
    )


def test_approval_with_another_key_is_refused_and_the_offer_stands(people, shared):
    alice = people.new()
    new = Device()
    waiting = people.connect()
    link_id = waiting.link_begin(new)
    # A server that slips in a key of its own would look like this.
    other_key = Device().public_key
    assert alice.error_of(linkApprove=alice.approve_body(link_id, other_key)).code == "link_invalid"
    assert len(alice.devices()) == 1


def test_approval_with_a_wrong_signature_is_refused(people):
    alice, mallory = people.pair()
    new = Device()
    link_id = people.connect().link_begin(new)
    forged = mallory.approve_body(link_id, new.public_key)
    assert alice.error_of(linkApprove=forged).code == "proof_invalid"
    alice.request(linkApprove=alice.approve_body(link_id, new.public_key))


def test_offer_is_good_for_one_use(people):
    alice = people.new()
    new = Device()
    link_id = people.connect().link_begin(new)
    alice.request(linkApprove=alice.approve_body(link_id, new.public_key))
    again = alice.error_of(linkApprove=alice.approve_body(link_id, new.public_key))
    assert again.code == "link_invalid"


def test_offer_ends_with_its_connection_and_with_the_next_one(people, crowd, shared):
    alice = people.new()
    new = Device()
    waiting = people.connect()
    first = waiting.link_begin(new)
    second = waiting.link_begin(new)
    assert first != second
    assert alice.error_of(linkApprove=alice.approve_body(first, new.public_key)).code == "link_invalid"
    waiting.close()
    time.sleep(1)  # until the server has noticed
    assert alice.error_of(linkApprove=alice.approve_body(second, new.public_key)).code == "link_invalid"
    assert len(alice.devices()) == 1


def test_last_device_stays_whatever_is_asked_at_once(daemon, crowd):
    alice = crowd.new(daemon)
    daemon.link(alice)
    asked = [alice.start(revokeDevice={"deviceId": id}) for id in (2, 1)]
    assert "error" not in alice.reply(asked[0])
    assert alice.reply(asked[1])["error"]["code"] == "not_allowed"
    assert [device["deviceId"] for device in alice.devices()] == [1]


def test_unknown_offer_is_refused(people):
    alice = people.new()
    assert alice.error_of(linkApprove=alice.approve_body(bytes(16), bytes(32))).code == "link_invalid"


def test_more_devices_than_allowed_are_refused(daemons, crowd):
    daemon = daemons({"account.max_devices": 2}).start()
    alice = crowd.new(daemon)
    daemon.link(alice)
    third = Device()
    link_id = crowd.connect(daemon).link_begin(third)
    assert (
        alice.error_of(linkApprove=alice.approve_body(link_id, third.public_key)).code == "too_many_devices"
    )


def test_link_survives_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    laptop = daemon.link(alice)
    daemon.restart()
    client = crowd.login(laptop, daemon)
    crowd.login(bob.device, daemon).send(alice.device, b"after the crash")
    assert client.receive()[0].payload == b"after the crash"
