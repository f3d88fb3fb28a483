"""Groups marked as encrypted: their members change with commits, so that chat and encryption have the same."""

import pytest
from godwit_e2e.commits import change_with_commit, create_encrypted, group_info, send_commit
from godwit_e2e.groups import (
    change_group, create_group, event_roles, event_users, get_group, group_page, leave, refused, set_privacy,
)  # fmt: skip
from godwit_e2e.identity import b64, message_id


@pytest.fixture
def group(people):
    """Alice's group, with Bob in it, in epoch 1."""
    alice, bob = people.pair()
    chat = create_encrypted(alice)
    change_with_commit(alice, chat, 0, add=[bob], joins=[bob])
    return alice, bob, chat


def test_mark_is_told_and_stays(daemons, crowd):
    daemon = daemons({"journal.checkpoint_interval_ms": 100}).start()
    alice = crowd.new(daemon)
    chat = create_encrypted(alice)
    assert group_page(alice, chat)["encrypted"] is True
    daemon.stop()
    daemon.start()
    alice, bob = crowd.login(alice.device, daemon), crowd.new(daemon)
    assert group_page(alice, chat)["encrypted"] is True
    with refused("commit_needed"):
        change_group(alice, chat, add=[bob])


def test_is_made_without_members(people):
    alice, bob = people.pair()
    body = {"id": b64(message_id()), "encrypted": True, "members": [str(bob.device.user_id)]}
    with refused("invalid_argument"):
        alice.request(createGroup=body)


def test_change_and_commit_are_one_entry(people):
    alice, bob = people.pair()
    chat = create_encrypted(alice)
    changed = change_with_commit(alice, chat, 0, add=[bob], joins=[bob], info=b"info", tree=b"tree")
    entry = bob.receive()[0]
    assert (entry.chat_seq, entry.payload, entry.welcome) == (changed.chat_seq, b"commit", b"welcome")
    assert (entry.ends_epoch, event_roles(entry)) == (0, {bob.device.user_id: "MEMBER"})
    seen = alice.receive_until(lambda e: e.chat_seq == changed.chat_seq)[-1]
    assert (seen.payload, seen.welcome) == (b"commit", b"")
    assert get_group(bob, chat).epoch == 1 and group_info(bob, chat).info == b"info"


def test_repetition_of_a_change_is_answered_with_the_original(people):
    alice, bob = people.pair()
    chat, id = create_encrypted(alice), message_id()
    first = change_with_commit(alice, chat, 0, id, add=[bob], joins=[bob])
    again = change_with_commit(alice, chat, 0, id, add=[bob], joins=[bob])
    assert (again.chat_seq, again.version) == (first.chat_seq, first.version)
    assert get_group(alice, chat).epoch == 1


def test_others_come_and_go_with_a_commit_only(group, people):
    alice, bob, chat = group
    carol = people.new()
    for change in ({"add": [carol]}, {"remove": [bob]}, {"ban": [bob]}):
        with refused("commit_needed"):
            change_group(alice, chat, **change)
    assert get_group(alice, chat).epoch == 1
    change_with_commit(alice, chat, 1, add=[carol], remove=[bob], joins=[carol])
    last = bob.receive_until(lambda e: e.ends_epoch == 1)[-1]
    assert event_users(last, "removed") == [bob.device.user_id] and last.welcome == b""
    with refused("chat_not_found"):
        send_commit(bob, chat, 2)
    assert set(get_group(alice, chat).roles) == {alice.device.user_id, carol.device.user_id}


def test_everything_else_needs_none(group, people):
    alice, bob, chat = group
    change_group(alice, chat, name=b"name", settings={"may_post": "ADMIN"}, roles={bob: "ADMIN"})
    change_group(alice, chat, ban=[people.new()])
    with refused("invalid_argument"):
        change_with_commit(bob, chat, 1, remove=[bob])
    leave(bob, chat)
    assert get_group(alice, chat).epoch == 1
    send_commit(alice, chat, 1)


def test_stale_change_changes_nothing(group, people):
    alice, bob, chat = group
    carol = people.new()
    before = get_group(alice, chat)
    with refused("stale_epoch") as caught:
        change_with_commit(alice, chat, 0, add=[carol], joins=[carol])
    assert caught[0].epoch == 1
    assert get_group(alice, chat) == before


def test_devices_are_those_of_members_after_the_change(group, people):
    alice, bob, chat = group
    carol = people.new()
    with refused("device_list_stale") as caught:
        change_with_commit(alice, chat, 1, remove=[bob], joins=[bob])
    assert caught[0].extra == [(bob.device.user_id, bob.device.device_id)]
    with refused("device_list_stale") as caught:
        change_with_commit(alice, chat, 1, add=[carol], joins=[(carol.device.user_id, 9)])
    assert caught[0].extra == [(carol.device.user_id, 9)]
    assert get_group(alice, chat).member_count == 2


def test_commit_lets_in_all_or_nobody(group, people):
    alice, bob, chat = group
    carol, shy = people.pair()
    set_privacy(shy, mayAddMe={"audience": "NOBODY"})
    with refused("refused_by_privacy") as caught:
        change_with_commit(alice, chat, 1, add=[carol, shy], joins=[carol])
    assert caught[0].extra == [(shy.device.user_id, 0)]
    with refused("user_not_found") as caught:
        change_with_commit(alice, chat, 1, add=[carol, 4711], joins=[carol])
    assert caught[0].extra == [(4711, 0)]
    assert get_group(alice, chat).member_count == 2


def test_groups_that_are_not_marked_may_change_with_a_commit(people):
    alice, bob = people.pair()
    chat = create_group(alice)
    change_with_commit(alice, chat, 0, add=[bob], joins=[bob])
    change_group(alice, chat, remove=[bob])
    assert get_group(alice, chat).epoch == 1
