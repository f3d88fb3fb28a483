"""Where is my message? The sender is told, per recipient and device; nobody else is."""

import json
import os

import pytest
from godwit_e2e.client import ServerError, user_id
from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import create_group, refused, set_privacy, trace
from godwit_e2e.identity import message_id, now_ms


def recipients(traced):
    return {int(recipient["userId"]): recipient for recipient in traced.get("recipients", [])}


def devices(recipient):
    return {device["deviceId"]: device for device in recipient["devices"]}


def wait_state(sender, where, id, user, state):
    """What is told of the recipient, as soon as it has this state: positions are recorded in intervals."""

    def reached():
        told = recipients(trace(sender, where, id))[user_id(user)]
        return told if int(told.get(state, 0)) > 0 else None

    return wait_until(reached, 5, state)


def sent(sender, where, payload=b"hello"):
    id = message_id()
    return id, sender.send(where, payload, id)


def test_times_of_the_server_come_first(people):
    alice, bob = people.pair()
    before = now_ms()
    id, seq = sent(alice, bob)
    traced = trace(alice, bob, id)
    accepted, durable = int(traced["acceptedMs"]), int(traced["durableMs"])
    assert int(traced["chatSeq"]) == seq
    assert before - 1000 <= accepted <= durable <= now_ms() + 1000


def test_message_is_followed_from_away_to_read(people, shared):
    alice, away = people.new(), shared.register()
    id, seq = sent(alice, away)
    phone = recipients(trace(alice, away, id))[away.user_id]
    assert not int(phone.get("deliveredMs", 0)) and not int(phone.get("readMs", 0))
    (device,) = phone["devices"]
    assert not any(device.get(state, False) for state in ("online", "pushed", "delivered"))

    bob = people.login(away)
    envelope = bob.receive_until(b"hello")[-1]
    (device,) = recipients(trace(alice, away, id))[away.user_id]["devices"]
    assert device["online"] and device["pushed"] and not device.get("delivered", False)

    bob.ack(envelope.seq)
    told = wait_state(alice, away, id, away, "deliveredMs")
    assert told["devices"][0]["delivered"] and not int(told.get("readMs", 0))

    bob.read(alice, seq)
    wait_state(alice, away, id, away, "readMs")

    bob.close()

    def offline():
        (device,) = recipients(trace(alice, away, id))[away.user_id]["devices"]
        return device if not device.get("online", False) else None

    device = wait_until(offline, 5, "the end of the connection")
    assert device["delivered"] and abs(int(device["lastSeenMs"]) - now_ms()) < 60_000


def test_devices_of_a_recipient_are_told_apart(people, shared):
    alice, bob = people.pair()
    laptop = shared.link(bob)
    id, _ = sent(alice, bob)
    bob.ack(bob.receive_until(b"hello")[-1].seq)
    told = devices(wait_state(alice, bob, id, bob, "deliveredMs"))
    assert told[bob.device.device_id]["delivered"] and told[bob.device.device_id]["online"]
    assert not told[laptop.device_id].get("delivered", False)
    assert not told[laptop.device_id].get("online", False)


def test_recipients_of_a_group_are_told_apart(people):
    alice, bob, carol = people.new(), people.new(), people.new()
    chat = create_group(alice, bob, carol)
    id, _ = sent(alice, chat)
    bob.ack(bob.receive_until(b"hello")[-1].seq)
    carol.receive_until(b"hello")
    wait_state(alice, chat, id, bob, "deliveredMs")
    told = recipients(trace(alice, chat, id))
    assert set(told) == {bob.device.user_id, carol.device.user_id}
    assert not int(told[carol.device.user_id].get("deliveredMs", 0))


def test_recipients_beyond_a_hundred_are_left_out(people, shared):
    alice = people.new()
    chat = create_group(alice, *shared.register_many(105))
    id, _ = sent(alice, chat)
    assert len(recipients(trace(alice, chat, id))) == 100


def test_others_are_not_told(people):
    alice, bob = people.pair()
    chat = create_group(alice, bob)
    direct, in_group = sent(alice, bob)[0], sent(alice, chat)[0]
    with refused("message_not_found"):
        trace(bob, alice, direct)
    with refused("message_not_found"):
        trace(bob, chat, in_group)
    stranger = people.new()
    for where, id in ((alice, direct), (bob, direct), (chat, in_group)):
        with pytest.raises(ServerError, match="message_not_found|chat_not_found"):
            trace(stranger, where, id)


def test_unknown_messages_are_not_found(people):
    alice, bob = people.pair()
    id, _ = sent(alice, bob)
    chat = create_group(alice, bob)
    for where in (bob, chat):
        with refused("message_not_found"):
            trace(alice, where, message_id())
    with refused("message_not_found"):
        trace(alice, chat, id)
    with refused("chat_not_found"):
        trace(alice, os.urandom(16), id)


def test_hidden_receipts_are_not_told(people):
    alice, bob = people.pair()
    set_privacy(bob, hideReadReceipts=True)
    id, seq = sent(alice, bob)
    bob.read(alice, seq)
    told = wait_state(alice, bob, id, bob, "deliveredMs")
    assert not int(told.get("readMs", 0))


def test_blocked_sender_learns_no_more_than_that_it_has_not_arrived(people):
    alice, bob = people.pair()
    sent(alice, bob)
    bob.block(alice.device)
    id, seq = sent(alice, bob)
    told = recipients(trace(alice, bob, id))[bob.device.user_id]
    assert not int(told.get("deliveredMs", 0)) and not int(told.get("readMs", 0))
    assert not any(device.get("delivered", False) for device in told.get("devices", []))


@pytest.mark.parametrize("where", ["store", "after kill"])
def test_trace_survives_a_restart(daemons, crowd, where):
    daemon = daemons({"journal.checkpoint_interval_ms": 100} if where == "store" else {}).start()
    alice, bob = crowd.pair(daemon)
    id, seq = sent(alice, bob)
    bob.ack(bob.receive()[0].seq)
    wait_state(alice, bob, id, bob, "deliveredMs")
    before = trace(alice, bob, id)
    if where == "store":
        daemon.stop()
        daemon.start()
    else:
        daemon.restart()
    after = trace(crowd.login(alice.device, daemon), bob, id)
    assert (after["chatSeq"], after["acceptedMs"]) == (before["chatSeq"], before["acceptedMs"])
    assert set(recipients(after)) == {bob.device.user_id}
    if where == "store":
        assert int(recipients(after)[bob.device.user_id]["deliveredMs"]) > 0


def operator_trace(shared, **body):
    status, answer, _ = shared.http("/v1/traces", method="POST", body=body)
    return status, json.loads(answer)


def test_operator_sees_the_same_for_any_message(people, shared):
    alice, bob = people.pair()
    chat = create_group(alice, bob)
    direct, seq = sent(alice, bob)
    in_group, _ = sent(alice, chat)
    bob.receive_until(b"hello")
    sender = str(alice.device.user_id)
    status, told = operator_trace(shared, **{"from": sender, "to": str(bob.device.user_id), "id": direct.hex()})
    assert status == 200 and told["chat_seq"] == seq and 0 < told["accepted_ms"] <= told["durable_ms"]
    (recipient,) = told["recipients"]
    assert recipient["user_id"] == str(bob.device.user_id) and not recipient["blocks_sender"]
    (device,) = recipient["devices"]
    assert device["online"] and device["pushed"] and not device["delivered"]
    status, told = operator_trace(shared, **{"from": sender, "chat": chat.hex(), "id": in_group.hex()})
    assert status == 200 and len(told["recipients"]) == 1


def test_operator_is_told_of_blocks(people, shared):
    alice, bob = people.pair()
    sent(alice, bob)
    bob.block(alice.device)
    id, _ = sent(alice, bob)
    body = {"from": str(alice.device.user_id), "to": str(bob.device.user_id), "id": id.hex()}
    assert operator_trace(shared, **body)[1]["recipients"][0]["blocks_sender"]


@pytest.mark.parametrize(
    "body", [{}, {"from": "1", "id": "00" * 16}, {"from": "x", "to": "2", "id": "00" * 16}, {"from": "1", "to": "2", "id": "zz" * 16}]
)
def test_operator_asking_wrongly_is_told_how(shared, body):
    status, answer = operator_trace(shared, **body)
    assert status == 400 and answer["error"]


def test_unknown_message_is_404_for_the_operator(people, shared):
    alice, bob = people.pair()
    sent(alice, bob)
    body = {"from": str(alice.device.user_id), "to": str(bob.device.user_id), "id": message_id().hex()}
    assert operator_trace(shared, **body)[0] == 404
