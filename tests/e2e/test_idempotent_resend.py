"""A message that is sent again under its id is stored once and answered as the first time."""

import pytest
from godwit_e2e.identity import message_id

pytestmark = pytest.mark.smoke


def assert_stored_once(receiver, sender, payload):
    assert [e.payload for e in receiver.receive()] == [payload]
    history, end, _ = receiver.history(sender.device)
    assert [e.payload for e in history] == [payload] and end == 1
    assert receiver.take_pushes("deliver") == []


def test_again_on_the_same_connection(people):
    alice, bob = people.pair()
    body = alice.send_body(bob.device, b"once")
    first = alice.request(send=body)
    assert alice.request(send=body) == first
    assert_stored_once(bob, alice, b"once")


def test_again_on_another_connection(people):
    alice, bob = people.pair()
    body = alice.send_body(bob.device, b"once")
    first = alice.request(send=body)
    again = people.login(alice.device)
    assert again.request(send=body) == first
    assert_stored_once(bob, alice, b"once")


def test_again_from_another_device(people, shared):
    alice, bob = people.pair()
    laptop = people.login(shared.link(alice))
    body = alice.send_body(bob.device, b"once")
    first = alice.request(send=body)
    assert laptop.request(send=body) == first
    assert_stored_once(bob, alice, b"once")


def test_again_while_the_first_is_in_flight(people):
    alice, bob = people.pair()
    body = alice.send_body(bob.device, b"once")
    open_requests = [alice.start(send=body) for _ in range(20)]
    replies = [alice.result(request) for request in open_requests]
    assert replies == [replies[0]] * 20
    assert_stored_once(bob, alice, b"once")


def test_again_after_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    body = alice.send_body(bob.device, b"once")
    first = alice.request(send=body)
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert alice.request(send=body) == first
    assert_stored_once(crowd.login(bob.device, daemon), alice, b"once")


def test_again_after_kill_when_the_message_is_in_the_store(daemons, crowd):
    daemon = daemons({"journal.checkpoint_interval_ms": 100}).start()
    alice, bob = crowd.pair(daemon)
    body = alice.send_body(bob.device, b"once")
    first = alice.request(send=body)
    daemon.stop()  # the last checkpoint moves everything into the store
    daemon.start()
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert alice.request(send=body) == first
    assert_stored_once(crowd.login(bob.device, daemon), alice, b"once")


def test_same_id_to_another_recipient_is_another_message(people):
    alice, bob = people.pair()
    carol = people.new()
    shared_id = message_id()
    assert alice.send(bob.device, b"to bob", shared_id) == 1
    assert alice.send(carol.device, b"to carol", shared_id) == 1
    assert bob.receive()[0].payload == b"to bob"
    assert carol.receive()[0].payload == b"to carol"


def test_same_id_from_the_other_side_is_another_message(people):
    alice, bob = people.pair()
    shared_id = message_id()
    assert alice.send(bob.device, b"from alice", shared_id) == 1
    assert bob.send(alice.device, b"from bob", shared_id) == 2
