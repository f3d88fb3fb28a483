"""Blocking is silent: the blocked see nothing of it, the blocker sees nothing of them."""

import pytest

pytestmark = pytest.mark.smoke


def test_messages_of_a_blocked_user_are_accepted_and_reach_nobody(people):
    alice, bob = people.pair()
    carol = people.new()
    bob.send(alice.device, b"before")
    alice.block(bob.device)
    assert bob.send(alice.device, b"unseen") == 2, "the blocked are answered as ever"
    carol.send(alice.device, b"sentinel")
    assert [(e.seq, e.payload) for e in alice.receive(2)] == [(1, b"before"), (2, b"sentinel")]


def test_blocked_messages_stay_hidden_from_the_blockers_history(people):
    alice, bob = people.pair()
    bob.send(alice.device, b"before")
    alice.block(bob.device)
    bob.send(alice.device, b"unseen")
    alice.block(bob.device, lift=True)
    bob.send(alice.device, b"after")
    assert [(e.chat_seq, e.payload) for e in alice.history(bob.device)[0]] == [(1, b"before"), (3, b"after")]
    assert [e.payload for e in bob.history(alice.device)[0]] == [b"before", b"unseen", b"after"]


def test_hidden_messages_stay_hidden_after_restart(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    bob.send(alice.device, b"before")
    alice.block(bob.device)
    bob.send(alice.device, b"unseen")
    daemon.stop()
    daemon.start()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    bob.send(alice.device, b"still blocked")
    assert [e.payload for e in alice.history(bob.device)[0]] == [b"before"]


def test_neither_side_is_told_watermarks_during_a_block(people, shared):
    alice, bob = people.pair()
    carol = people.new()
    bob.send(alice.device)
    bob.send(carol.device)
    alice.send(bob.device)
    (entry,) = alice.receive()
    alice.block(bob.device)
    bob.take_pushes("watermarks")
    alice.ack(entry.seq)
    alice.read(bob.device, 1)
    bob.read(alice.device, 2)
    # What Carol does afterwards is told, so what Alice did would have been told by now.
    carol.read(bob.device, 1)
    bob.wait_watermark(carol.device, carol.device, read=1)

    def told_of_alice(client):
        marks = [mark for push in client.take_pushes("watermarks") for mark in push["watermarks"]]
        return [mark for mark in marks if int(mark["member"]) == alice.device.user_id]

    assert told_of_alice(bob) == []
    bob.close()
    back = people.login(bob.device)
    back.wait_caught_up()
    assert told_of_alice(back) == []


def test_lifted_block_lets_messages_and_watermarks_through(people):
    alice, bob = people.pair()
    alice.block(bob.device)
    bob.send(alice.device, b"unseen")
    alice.block(bob.device, lift=True)
    bob.send(alice.device, b"seen")
    (envelope,) = alice.receive()
    assert (envelope.seq, envelope.chat_seq, envelope.payload) == (1, 2, b"seen")
    alice.read(bob.device, 2)
    bob.wait_watermark(alice.device, alice.device, read=2)


def test_blocker_can_still_write_to_the_blocked(people):
    alice, bob = people.pair()
    alice.block(bob.device)
    alice.send(bob.device, b"one way")
    assert bob.receive()[0].payload == b"one way"


def test_blocking_before_the_first_message_works(people):
    alice, bob = people.pair()
    carol = people.new()
    alice.block(bob.device)
    assert bob.send(alice.device, b"unseen") == 1
    carol.send(alice.device, b"sentinel")
    assert [e.payload for e in alice.receive()] == [b"sentinel"]


def test_nobody_and_oneself_cannot_be_blocked(people):
    alice = people.new()
    assert alice.error_of(block={"userId": "12345"}).code == "user_not_found"
    assert alice.error_of(block={"userId": str(alice.device.user_id)}).code == "invalid_argument"
