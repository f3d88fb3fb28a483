"""Receipts in groups: the sender is pushed counts, coalesced; how far each member is, is told on request."""

import time

import pytest
from godwit_e2e.client import chat_or_peer
from godwit_e2e.daemon import Daemon
from godwit_e2e.groups import (
    change_group, create_group, leave, receipts, refused, set_privacy, wait_counts, wait_receipts,
)  # fmt: skip
from godwit_e2e.identity import unb64

INTERVAL_MS = 300


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """In place of the shared daemon: one with short intervals."""
    settings = {"chat.receipt_interval_ms": INTERVAL_MS, "chat.watermark_interval_ms": 20}
    daemon = Daemon(tmp_path_factory.mktemp("receipts"), settings).start()
    yield daemon
    daemon.kill()


@pytest.fixture
def group(people):
    """The owner, three members and the group."""
    members = [people.new() for _ in range(4)]
    return (*members, create_group(*members))


def receive_and_ack(client, payload):
    envelope = client.receive_until(payload)[-1]
    client.ack(envelope.seq)
    return envelope.chat_seq


# Counts


def test_sender_is_told_how_many_have_received_and_read(group):
    alice, bob, carol, dave, chat = group
    seq = alice.send(chat, b"news")
    receive_and_ack(bob, b"news")
    assert wait_counts(alice, chat, seq, delivered=1, read=0) == 3, "the sender does not count"
    receive_and_ack(carol, b"news")
    carol.read(chat, seq)
    assert wait_counts(alice, chat, seq, delivered=2, read=1) == 3
    dave.read(chat, seq)  # what is read is received
    bob.read(chat, seq)
    assert wait_counts(alice, chat, seq, delivered=3, read=3) == 3


def test_only_the_sender_is_told_counts(group):
    alice, bob, carol, _, chat = group
    seq = alice.send(chat, b"by alice")
    for member in (bob, carol):
        receive_and_ack(member, b"by alice")
    wait_counts(alice, chat, seq, delivered=2, read=0)
    for member in (bob, carol):
        for push in member.take_pushes("receiptCounts"):
            assert all(int(count["chatSeq"]) != seq for count in push["counts"])


def test_counts_are_coalesced(people):
    """Ten members read twenty messages one by one; the sender hears once an interval, not 200 times."""
    alice, *others = [people.new() for _ in range(11)]
    chat = create_group(alice, *others)
    seqs = [alice.send(chat, b"%d" % i) for i in range(20)]
    began = time.monotonic()
    for seq in seqs:
        for member in others:
            member.notice(read={**chat_or_peer(chat), "chatSeq": str(seq)})
    pushes, seen = 0, set()
    while (seqs[-1], 10) not in seen:
        push = alice.wait_push("receiptCounts")
        pushes += 1
        assert len(push["counts"]) <= 32
        seen |= {(int(count["chatSeq"]), count.get("read", 0)) for count in push["counts"]}
    assert pushes <= (time.monotonic() - began) * 1000 / INTERVAL_MS + 2


def test_newcomers_do_not_count_for_what_was_before(group, people):
    alice, bob, _, _, chat = group
    seq = alice.send(chat, b"before")
    erin = people.new()
    change_group(alice, chat, add=[erin])
    later = alice.send(chat, b"after")
    receive_and_ack(erin, b"after")
    erin.read(chat, later)
    assert wait_counts(alice, chat, later, delivered=1, read=1) == 4
    listed = receipts(alice, chat, seq)
    assert (listed["delivered"], listed["read"], listed["of"]) == (0, 0, 3)
    assert erin.device.user_id not in listed["members"]


def test_who_has_left_does_not_count_any_more(group):
    alice, bob, carol, dave, chat = group
    leave(dave, chat)
    seq = alice.send(chat, b"news")
    receive_and_ack(bob, b"news")
    assert wait_counts(alice, chat, seq, delivered=1, read=0) == 2


# Lists


def test_list_tells_how_far_each_member_has_got(group):
    alice, bob, carol, dave, chat = group
    first, second = alice.send(chat, b"first"), alice.send(chat, b"second")
    receive_and_ack(bob, b"second")
    receive_and_ack(carol, b"first")
    carol.read(chat, first)
    listed = wait_receipts(alice, chat, second, {bob: (second, 0), carol: (first, first), dave: (0, 0)})
    assert (listed["delivered"], listed["read"], listed["of"]) == (1, 0, 3)
    assert unb64(listed["chat"]) == chat and int(listed["chatSeq"]) == second
    listed = receipts(dave, chat, first)
    assert (listed["delivered"], listed["read"], listed["of"]) == (2, 1, 3), "any member may ask"
    assert int(receipts(alice, chat)["chatSeq"]) == second, "0 means the last"


def test_list_comes_in_pages_in_order_of_id(group):
    alice, *_, chat = group
    alice.send(chat, b"news")
    whole = list(receipts(alice, chat)["members"])
    assert whole == sorted(whole)
    seen, after, more = [], 0, True
    while more:
        page = receipts(alice, chat, after=str(after), limit=2)
        assert 0 < len(page["members"]) <= 2 and page["of"] == 3
        seen += page["members"]
        after, more = seen[-1], page["more"]
    assert seen == whole


def test_receipts_are_for_members(group, people):
    *_, chat = group
    stranger = people.new()
    with refused("chat_not_found"):
        receipts(stranger, chat)
    with refused("chat_not_found"):
        stranger.read(chat, 1)


# Positions out of range


def test_read_beyond_the_end_is_refused_without_effect(group):
    alice, bob, *_, chat = group
    seq = alice.send(chat, b"news")
    for beyond in (seq + 1, 2**64 - 1):
        with refused("invalid_argument"):
            bob.read(chat, beyond)
    assert receipts(alice, chat, seq)["members"][bob.device.user_id] == (0, 0)
    with refused("message_not_found"):
        receipts(alice, chat, seq + 1)


def test_read_going_back_is_ignored(group):
    alice, bob, carol, _, chat = group
    first, second = alice.send(chat, b"first"), alice.send(chat, b"second")
    bob.read(chat, second)
    assert bob.read(chat, first) == {} and bob.read(chat, second) == {}
    wait_receipts(alice, chat, second, {bob: (second, second)})
    assert bob.read(chat, first) == {}
    carol.read(chat, second)
    wait_receipts(alice, chat, second, {bob: (second, second), carol: (second, second)})


def test_read_of_two_chats_at_once_is_refused(group):
    alice, bob, *_, chat = group
    both = {**chat_or_peer(chat), "peer": str(alice.device.user_id), "chatSeq": "1"}
    assert bob.error_of(read=both).code == "invalid_argument"


def test_other_devices_of_the_reader_are_told(group, people, shared):
    alice, bob, *_, chat = group
    laptop = people.login(shared.link(bob))
    seq = alice.send(chat, b"news")
    bob.read(chat, seq)

    def of_the_group(push):
        return any(
            "chat" in mark and unb64(mark["chat"]) == chat and int(mark.get("read", 0)) == seq
            and int(mark["member"]) == bob.device.user_id
            for mark in push["watermarks"]
        )  # fmt: skip

    laptop.wait_push("watermarks", of_the_group)


def test_receipts_survive_restarts(daemons, crowd):
    daemon = daemons({"chat.receipt_interval_ms": 50, "chat.watermark_interval_ms": 0}).start()
    alice, bob = crowd.pair(daemon)
    chat = create_group(alice, bob)
    seq = alice.send(chat, b"news")
    bob.read(chat, seq)
    wait_counts(alice, chat, seq, delivered=1, read=1)
    daemon.stop()
    daemon.start()
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert receipts(alice, chat, seq)["members"][bob.device.user_id] == (seq, seq)


# Hidden receipts


def test_who_hides_receipts_is_not_seen_reading(group):
    alice, bob, carol, _, chat = group
    set_privacy(bob, hideReadReceipts=True)
    seq = alice.send(chat, b"news")
    bob.read(chat, seq)
    carol.read(chat, seq)
    assert wait_counts(alice, chat, seq, delivered=2, read=1) == 3
    wait_receipts(alice, chat, seq, {bob: (seq, 0), carol: (seq, seq)})


def test_who_hides_receipts_does_not_see_others(group):
    alice, bob, carol, _, chat = group
    set_privacy(bob, hideReadReceipts=True)
    seq = bob.send(chat, b"news")
    carol.read(chat, seq)
    assert wait_counts(bob, chat, seq, delivered=1, read=0) == 3
    wait_receipts(alice, chat, seq, {carol: (seq, seq)})
    listed = receipts(bob, chat, seq)
    assert listed["members"][carol.device.user_id] == (seq, 0) and listed["read"] == 0
    set_privacy(bob, hideReadReceipts=False)
    wait_receipts(bob, chat, seq, {carol: (seq, seq)})


def test_hidden_receipts_hold_in_direct_chats_too(people, shared):
    alice, bob = people.pair()
    laptop = people.login(shared.link(bob))
    set_privacy(bob, hideReadReceipts=True)
    seq = alice.send(bob, b"news")
    bob.read(alice, seq)
    assert alice.wait_watermark(bob, bob, delivered=seq)["read"] == 0
    laptop.wait_watermark(alice, bob, read=seq)  # one's own devices agree all the same
    seq = bob.send(alice, b"and back")
    alice.read(bob, seq)
    assert bob.wait_watermark(alice, alice, delivered=seq)["read"] == 0


def test_receipts_of_a_large_group_stay_bounded(people, shared):
    """A hundred members receive and read; the sender is pushed a handful of frames."""
    alice = people.new()
    devices = shared.register_many(100)
    chat = create_group(alice, *devices)
    seq = alice.send(chat, b"news")
    began = time.monotonic()
    for device in devices:
        with shared.login(device) as member:
            receive_and_ack(member, b"news")
            member.read(chat, seq)
    pushes, done = 0, False
    while not done:
        push = alice.wait_push("receiptCounts")
        pushes += 1
        done = any(int(count["chatSeq"]) == seq and count.get("read", 0) == 100 for count in push["counts"])
    assert pushes <= (time.monotonic() - began) * 1000 / INTERVAL_MS + 2
