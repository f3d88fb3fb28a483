"""Two users chat: a message is sent, delivered, read; who was away gets everything in order and once."""

import pytest

pytestmark = pytest.mark.smoke


def test_message_live_is_sent_delivered_and_read(people):
    alice, bob = people.pair()
    sent = alice.request(send=alice.send_body(bob.device, b"ciphertext"))
    assert sent["chatSeq"] == "1"
    assert "durability" not in sent, "DURABLE is the default value and left out"

    (envelope,) = bob.receive()
    assert envelope.payload == b"ciphertext"
    assert (envelope.sender, envelope.device, envelope.to) == (alice.device.user_id, 1, 0)
    assert (envelope.seq, envelope.chat_seq) == (1, 1)

    bob.ack(envelope.seq)
    assert alice.wait_watermark(bob.device, bob.device, delivered=1) == {"delivered": 1, "read": 0}
    bob.read(alice.device, 1)
    assert alice.wait_watermark(bob.device, bob.device, read=1) == {"delivered": 1, "read": 1}


def test_messages_to_the_absent_arrive_on_return_in_order_and_once(people, shared):
    alice = people.new()
    bob = shared.register()
    payloads = [b"message %d" % i for i in range(300)]
    assert alice.send_many(bob, payloads) == list(range(1, 301))

    with shared.login(bob) as first:
        assert first.welcome["inboxEnd"] == "300"
        received = first.receive_all(300)
        assert [e.payload for e in received] == payloads
        assert [e.seq for e in received] == list(range(1, 301))
        assert first.wait_caught_up() == 300
        first.ack(300)
    with shared.login(bob) as again:
        assert again.wait_caught_up() == 300
        assert again.take_pushes("deliver") == []


def test_receipts_reach_a_sender_who_was_away(people, shared):
    alice, bob = people.pair()
    alice.send(bob.device)
    alice.close()
    bob.ack(bob.receive()[0].seq)
    bob.read(alice.device, 1)
    back = people.login(alice.device)
    back.wait_watermark(bob.device, bob.device, delivered=1, read=1)
