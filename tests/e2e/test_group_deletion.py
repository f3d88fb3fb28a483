"""A deleted account leaves its groups, as if its user had left them."""

from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import (
    change_group, create_group, event_users, get_group, join, make_link, payloads, refused,
)  # fmt: skip


def delete(client):
    client.request(deleteAccount=client.delete_body())
    client.wait_closed()


def wait_left(client, chat, user):
    """The group, as soon as the user is not in it."""

    def left():
        group = get_group(client, chat)
        return group if user.device.user_id not in group.roles else None

    return wait_until(left, 10, "the end of the membership")


def test_deleted_member_leaves_and_the_others_are_told(people):
    alice, bob, carol = people.new(), people.new(), people.new()
    chats = [create_group(alice, bob, carol) for _ in range(3)]
    carol.send(chats[0], b"what was said stays")
    delete(carol)
    for chat in chats:
        group = wait_left(alice, chat, carol)
        assert group.member_count == 2 and group.owner() == alice.device.user_id
    told = [bob.receive_event("removed") for _ in chats]
    assert sorted(event.chat for event in told) == sorted(chats)
    assert all(event_users(event, "removed") == [carol.device.user_id] for event in told)
    assert payloads(alice.history(chats[0])[0]) == [b"what was said stays"]
    alice.send(chats[0], b"on it goes")
    assert bob.receive_until(b"on it goes")


def test_deleted_owner_is_followed(people):
    alice, bob, carol = people.new(), people.new(), people.new()
    chat = create_group(alice, bob, carol)
    change_group(alice, chat, roles={carol: "ADMIN"})
    delete(alice)
    assert wait_left(bob, chat, alice).owner() == carol.device.user_id
    change_group(carol, chat, name=b"mine now")


def test_group_of_a_deleted_account_alone_is_gone(people):
    alice = people.new()
    chat = create_group(alice)
    link = make_link(alice, chat)
    delete(alice)
    with refused("invite_link_invalid"):
        join(people.new(), link)


def test_deleted_account_does_not_come_back(people):
    alice, bob = people.pair()
    chat = create_group(alice, bob)
    delete(bob)
    wait_left(alice, chat, bob)
    assert change_group(alice, chat, add=[bob, people.new()]).not_added == (bob.device.user_id,)


def test_deletion_is_whole_after_kill(daemon, crowd):
    """The server dies right after it has acknowledged the deletion: the account leaves all its groups."""
    alice, bob = crowd.pair(daemon)
    chats = [create_group(alice, bob) for _ in range(20)]
    bob.request(deleteAccount=bob.delete_body())
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    for chat in chats:
        assert wait_left(alice, chat, bob).member_count == 1
