"""A message with a ciphertext per device: each device gets its own, and the list must be the present one."""

import pytest
from godwit_e2e.groups import create_group, device_payload, payloads, refused, send_to_devices
from godwit_e2e.identity import b64, message_id


@pytest.fixture
def devices(people, shared):
    """Alice's phone and laptop, Bob's phone and laptop."""
    alice, bob = people.pair()
    return alice, people.login(shared.link(alice)), bob, people.login(shared.link(bob))


def key(client):
    return client.device.user_id, client.device.device_id


def parts_for(*clients):
    """A part for each, whose payload names it."""
    return [device_payload(client.device, b"for %d/%d" % key(client)) for client in clients]


def test_each_device_gets_its_own_only(devices):
    alice, alice2, bob, bob2 = devices
    seq = send_to_devices(alice, bob, parts_for(alice2, bob, bob2))
    for client in (alice2, bob, bob2):
        (envelope,) = client.receive()
        assert envelope.payload == b"for %d/%d" % key(client) and envelope.chat_seq == seq
    # In the history too.
    assert payloads(bob.history(alice)[0]) == [b"for %d/%d" % key(bob)]
    assert payloads(bob2.history(alice)[0]) == [b"for %d/%d" % key(bob2)]
    assert payloads(alice2.history(bob)[0]) == [b"for %d/%d" % key(alice2)]


def test_device_that_was_away_gets_its_own(devices, people):
    alice, alice2, bob, bob2 = devices
    bob2.close()
    send_to_devices(alice, bob, parts_for(alice2, bob, bob2))
    assert people.login(bob2.device).receive()[0].payload == b"for %d/%d" % key(bob2)


def test_payload_beside_is_for_devices_that_come_later(devices, people, shared):
    alice, alice2, bob, bob2 = devices
    send_to_devices(alice, bob, parts_for(alice2, bob, bob2), payload=b64(b"for all"))
    assert bob.receive()[0].payload == b"for %d/%d" % key(bob)
    later = people.login(shared.link(bob))
    assert payloads(later.history(alice)[0]) == [b"for all"]


def test_missing_and_extra_devices_are_named_and_nothing_is_sent(devices, people):
    alice, alice2, bob, bob2 = devices
    stranger = people.new()
    bob_3 = {"userId": str(bob.device.user_id), "deviceId": 3, "payload": b64(b"x")}
    with refused("device_list_stale") as caught:
        send_to_devices(alice, bob, parts_for(bob))
    assert sorted(caught[0].missing) == sorted([key(alice2), key(bob2)]) and caught[0].extra == []
    with refused("device_list_stale") as caught:
        send_to_devices(alice, bob, [*parts_for(alice2, bob, bob2, stranger), bob_3])
    assert caught[0].missing == []
    assert sorted(caught[0].extra) == sorted([key(stranger), (bob.device.user_id, 3)])
    with refused("device_list_stale") as caught:
        send_to_devices(alice, bob, [*parts_for(alice2, bob), bob_3])
    assert (caught[0].missing, caught[0].extra) == ([key(bob2)], [(bob.device.user_id, 3)])
    alice.send(bob, b"sentinel")
    assert payloads(bob.receive_until(b"sentinel")) == [b"sentinel"]


def test_list_follows_linking_and_revocation(devices, people, shared):
    alice, alice2, bob, bob2 = devices
    new = people.login(shared.link(bob))
    with refused("device_list_stale") as caught:
        send_to_devices(alice, bob, parts_for(alice2, bob, bob2))
    assert caught[0].missing == [key(new)]
    bob.revoke(bob2.device.device_id)
    with refused("device_list_stale") as caught:
        send_to_devices(alice, bob, parts_for(alice2, bob, bob2, new))
    assert caught[0].extra == [key(bob2)]
    send_to_devices(alice, bob, parts_for(alice2, bob, new))
    assert new.receive()[0].payload == b"for %d/%d" % key(new)


def test_refused_message_is_good_with_the_right_list_under_the_same_id(devices):
    alice, alice2, bob, bob2 = devices
    id = message_id()
    with refused("device_list_stale"):
        send_to_devices(alice, bob, parts_for(bob), id)
    right = parts_for(alice2, bob, bob2)
    seq = send_to_devices(alice, bob, right, id)
    assert send_to_devices(alice, bob, right, id) == seq
    assert len(bob.history(alice)[0]) == 1


def test_repetition_is_answered_although_the_list_has_changed(devices, shared):
    alice, alice2, bob, bob2 = devices
    id, parts = message_id(), parts_for(alice2, bob, bob2)
    seq = send_to_devices(alice, bob, parts, id)
    shared.link(bob)
    assert send_to_devices(alice, bob, parts, id) == seq


def test_own_devices_are_a_channel_between_themselves(devices, people, shared):
    alice, alice2, bob, _ = devices
    alice3 = people.login(shared.link(alice))
    send_to_devices(alice, alice, parts_for(alice2))
    bob.send(alice, b"sentinel")
    seen = {client: payloads(client.receive_until(b"sentinel")) for client in (alice, alice2, alice3)}
    assert seen[alice2] == [b"for %d/%d" % key(alice2), b"sentinel"]
    for other in (alice, alice3):
        assert [payload for payload in seen[other] if payload] == [b"sentinel"]
    send_to_devices(alice2, alice2, parts_for(alice, alice3))
    for client in (alice, alice3):
        assert client.receive_until(b"for %d/%d" % key(client))[-1].device == alice2.device.device_id


def test_channel_to_oneself_names_ones_own_devices_only(devices):
    alice, alice2, bob, _ = devices
    with refused("device_list_stale") as caught:
        send_to_devices(alice, alice, parts_for(alice2, bob))
    assert caught[0].extra == [key(bob)]


def test_plain_message_to_oneself_is_refused(devices):
    alice, *_ = devices
    with refused("message_to_self"):
        alice.send(alice, b"note to self")


def test_groups_take_none(devices):
    alice, alice2, bob, bob2 = devices
    chat = create_group(alice, bob)
    with refused("invalid_argument"):
        send_to_devices(alice, chat, parts_for(alice2, bob, bob2))


def test_sizes_are_bounded(devices):
    alice, alice2, bob, bob2 = devices

    def sized(*sizes):
        clients = (alice2, bob, bob2)
        return [device_payload(client.device, bytes(size)) for client, size in zip(clients, sizes)]

    with refused("invalid_argument"):
        send_to_devices(alice, bob, sized(0, 10, 10))
    with refused("too_large"):
        send_to_devices(alice, bob, sized(10, 10, alice.welcome["maxPayloadBytes"] + 1))
    of_bob = {"userId": str(bob.device.user_id), "payload": b64(b"x")}
    many = [{**of_bob, "deviceId": device} for device in range(1, 66)]
    with refused("too_large"):
        send_to_devices(alice, bob, many)
    with refused("invalid_argument"):
        send_to_devices(alice, bob, [])


def test_each_device_gets_its_own_after_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    bob2 = crowd.login(daemon.link(bob), daemon)
    send_to_devices(alice, bob, parts_for(bob, bob2))
    daemon.restart()
    for client in (bob, bob2):
        back = crowd.login(client.device, daemon)
        assert back.receive()[0].payload == b"for %d/%d" % key(client)
