"""Ids that are not good for a message are refused with the documented error."""

import uuid

from godwit_e2e.identity import b64, message_id, now_ms

HOUR_MS = 3_600_000


def code_for(client, to, id):
    return client.error_of(send=client.send_body(to, b"x", id)).code


def test_id_reused_with_another_payload(people):
    alice, bob = people.pair()
    id = message_id()
    alice.send(bob.device, b"first", id)
    assert alice.error_of(send=alice.send_body(bob.device, b"second", id)).code == "message_id_reused"
    assert [e.payload for e in bob.receive()] == [b"first"]


def test_id_reused_with_another_payload_after_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    id = message_id()
    alice.send(bob.device, b"first", id)
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert alice.error_of(send=alice.send_body(bob.device, b"second", id)).code == "message_id_reused"


def test_id_of_another_uuid_version(people):
    alice, bob = people.pair()
    assert code_for(alice, bob.device, uuid.uuid4().bytes) == "message_id_invalid"


def test_id_of_another_uuid_variant(people):
    alice, bob = people.pair()
    id = bytearray(message_id())
    id[8] &= 0x3F
    assert code_for(alice, bob.device, bytes(id)) == "message_id_invalid"


def test_id_of_another_length(people):
    alice, bob = people.pair()
    assert code_for(alice, bob.device, message_id()[:15]) == "message_id_invalid"
    assert code_for(alice, bob.device, message_id() + b"\0") == "message_id_invalid"
    no_id = {"to": str(bob.device.user_id), "payload": b64(b"x")}
    assert alice.error_of(send=no_id).code == "message_id_invalid"


def test_id_older_than_the_window(people):
    alice, bob = people.pair()
    assert code_for(alice, bob.device, message_id(now_ms() - 169 * HOUR_MS)) == "message_id_expired"
    assert alice.send(bob.device, b"just inside", message_id(now_ms() - 167 * HOUR_MS)) == 1


def test_id_in_the_future(people):
    alice, bob = people.pair()
    assert code_for(alice, bob.device, message_id(now_ms() + 400_000)) == "message_id_expired"
    assert alice.send(bob.device, b"just inside", message_id(now_ms() + 200_000)) == 1


def test_sent_tells_how_far_the_clocks_differ(people):
    alice, bob = people.pair()
    body = alice.send_body(bob.device, b"x", message_id(now_ms() - 60_000))
    delta = int(alice.request(send=body)["timeDeltaMs"])
    assert 60_000 <= delta < 120_000
