"""Removing messages: for everyone, from logs, inboxes and the disk; for oneself, from one's own history."""

import os

import pytest
from godwit_e2e.client import chat_or_peer
from godwit_e2e.groups import change_group, create_group, payloads, refused, remove_message
from godwit_e2e.identity import b64, message_id


@pytest.fixture
def group(people):
    """The owner, two members and the group."""
    members = [people.new() for _ in range(3)]
    return (*members, create_group(*members))


def entry(client, where, chat_seq):
    """The entry of the client's history at this position, or None."""
    page, _, _ = client.history(where, after=str(chat_seq - 1), limit=1)
    return next((e for e in page if e.chat_seq == chat_seq), None)


def assert_removed(client, where, chat_seq):
    found = entry(client, where, chat_seq)
    assert (found.gone, found.payload) == ("REMOVED", b"")


# For everyone


def test_sender_removes_from_a_direct_chat(people):
    alice, bob = people.pair()
    seq = alice.send(bob, b"regretted")
    bob.receive_until(b"regretted")
    assert remove_message(alice, bob, seq) == {}
    told = bob.receive_event("removedSeq")
    assert int(told.event["removedSeq"]) == seq and told.sender == alice.device.user_id
    assert told.chat_seq == seq + 1
    assert_removed(alice, bob, seq)
    assert_removed(bob, alice, seq)


def test_sender_removes_from_a_group(group):
    alice, bob, carol, chat = group
    seq = bob.send(chat, b"regretted")
    remove_message(bob, chat, seq)
    for member in (alice, carol):
        assert int(member.receive_event("removedSeq").event["removedSeq"]) == seq
        assert_removed(member, chat, seq)
    assert entry(bob, chat, seq).sender == bob.device.user_id, "who sent it is still told"


def test_admin_removes_what_a_member_sent(group):
    alice, bob, carol, chat = group
    change_group(alice, chat, roles={bob: "ADMIN"})
    seq = carol.send(chat, b"spam")
    remove_message(bob, chat, seq)
    assert carol.receive_event("removedSeq").sender == bob.device.user_id
    assert_removed(carol, chat, seq)


def test_others_may_not_remove(group, people):
    alice, bob, carol, chat = group
    seq = alice.send(chat, b"stays")
    with refused("not_allowed"):
        remove_message(carol, chat, seq)
    direct = alice.send(bob, b"stays")
    with refused("not_allowed"):
        remove_message(bob, alice, direct)
    with refused("chat_not_found"):
        remove_message(people.new(), chat, seq)
    assert entry(bob, chat, seq).payload == entry(bob, alice, direct).payload == b"stays"


def test_unknown_positions_are_message_not_found(group):
    alice, bob, _, chat = group
    end = alice.send(chat, b"last")
    for unknown in (end + 1, 2**64 - 1):
        for for_everyone in (True, False):
            with refused("message_not_found"):
                remove_message(alice, chat, unknown, for_everyone)
    alice.send(bob, b"x")
    with refused("message_not_found"):
        remove_message(alice, bob, 2)


def test_changes_of_the_group_cannot_be_removed(group):
    alice, _, _, chat = group
    with refused("message_not_found"):
        remove_message(alice, chat, 1)


def test_newcomers_cannot_remove_what_they_cannot_see(group, people):
    alice, _, _, chat = group
    seq = alice.send(chat, b"before")
    dave = people.new()
    change_group(alice, chat, add=[dave])
    change_group(alice, chat, roles={dave: "ADMIN"})
    with refused("message_not_found"):
        remove_message(dave, chat, seq)


def test_same_removal_again_is_answered_and_told_once(people):
    alice, bob = people.pair()
    seq, id = alice.send(bob, b"regretted"), message_id()
    remove_message(alice, bob, seq, id=id)
    remove_message(alice, bob, seq, id=id)
    alice.send(bob, b"sentinel")
    told = [e for e in bob.receive_until(b"sentinel") if e.event]
    assert len(told) == 1 and bob.history(alice)[1] == seq + 2


def test_malformed_removals_are_refused(group):
    alice, bob, _, chat = group
    alice.send(bob, b"x")
    seq = alice.send(chat, b"x")
    both = {"id": b64(message_id()), **chat_or_peer(chat), **chat_or_peer(bob), "chatSeq": str(seq)}
    assert alice.error_of(removeMessage={**both, "forEveryone": True}).code == "invalid_argument"
    without_id = {**chat_or_peer(chat), "chatSeq": str(seq), "forEveryone": True}
    assert alice.error_of(removeMessage=without_id).code == "message_id_invalid"


def test_removed_message_sent_again_is_not_stored_again(people):
    alice, bob = people.pair()
    id = message_id()
    seq = alice.send(bob, b"regretted", id)
    remove_message(alice, bob, seq)
    assert alice.send(bob, b"regretted", id) == seq
    assert_removed(bob, alice, seq)
    assert bob.history(alice)[1] == seq + 1


@pytest.mark.parametrize("where", ["tail", "store", "after kill"])
def test_devices_that_were_away_get_no_content(daemons, crowd, where):
    daemon = daemons({"journal.checkpoint_interval_ms": 100} if where == "store" else {}).start()
    alice = crowd.new(daemon)
    bob, carol = daemon.register_many(2)
    chat = create_group(alice, bob, carol)
    direct, in_group = alice.send(bob, b"regretted"), alice.send(chat, b"regretted")
    if where == "store":
        daemon.checkpoint()
    remove_message(alice, bob, direct)
    remove_message(alice, chat, in_group)
    alice.send(bob, b"sentinel")
    if where == "after kill":
        daemon.restart()
    entries = crowd.login(bob, daemon).receive_until(b"sentinel")
    assert b"regretted" not in payloads(entries)
    gone = [(e.chat, e.chat_seq, e.gone) for e in entries if e.gone]
    assert gone == [(b"", direct, "REMOVED"), (chat, in_group, "REMOVED")]
    removed = {(e.chat, int(e.event["removedSeq"])) for e in entries if "removedSeq" in (e.event or {})}
    assert removed == {(b"", direct), (chat, in_group)}
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1)), "the inbox has no holes"


@pytest.mark.parametrize("size", [48, 20_000])
def test_content_leaves_the_disk(daemon, crowd, size):
    alice = crowd.new(daemon)
    bob, carol = daemon.register_many(2)
    chat = create_group(alice, bob, carol)
    kept, direct, in_group = (os.urandom(size) for _ in range(3))
    alice.send(bob, kept)
    positions = alice.send(bob, direct), alice.send(chat, in_group)
    daemon.compact()
    for content in (kept, direct, in_group):
        assert daemon.files_with(content[:48]), "the search would find it"
    remove_message(alice, bob, positions[0])
    remove_message(alice, chat, positions[1])
    daemon.compact()
    for content in (direct, in_group):
        assert daemon.files_with(content[:48]) == []
    assert daemon.files_with(kept[:48])
    bob = crowd.login(bob, daemon)
    assert_removed(bob, alice, positions[0])
    assert_removed(bob, chat, positions[1])


# For oneself


def test_own_removal_hides_it_from_ones_own_history_only(people, shared):
    alice, bob = people.pair()
    laptop = people.login(shared.link(bob))
    seqs = [alice.send(bob, payload) for payload in (b"one", b"two", b"three")]
    assert remove_message(bob, alice, seqs[1], for_everyone=False) == {}
    for device in (bob, laptop):
        assert payloads(e for e in device.history(alice)[0] if not e.gone) == [b"one", b"three"]
    page, end, _ = alice.history(bob)
    assert payloads(page) == [b"one", b"two", b"three"] and end == 3, "nobody else notices"


def test_own_removal_works_in_groups_for_what_others_sent(group):
    alice, bob, carol, chat = group
    seq = alice.send(chat, b"tiresome")
    remove_message(bob, chat, seq, for_everyone=False)
    assert b"tiresome" not in payloads(bob.history(chat)[0])
    assert b"tiresome" in payloads(carol.history(chat)[0])


def test_own_removal_survives_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    seq = alice.send(bob, b"tiresome")
    alice.send(bob, b"kept")
    remove_message(bob, alice, seq, for_everyone=False)
    daemon.restart()
    bob = crowd.login(bob.device, daemon)
    assert payloads(e for e in bob.history(alice)[0] if not e.gone) == [b"kept"]
