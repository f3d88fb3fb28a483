"""Who asks first gets one message of a stranger, and more only after accepting (Privacy.ask_first)."""

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.groups import (
    add_contacts, answer_request, create_group, list_chats, payloads, refused, set_privacy,
)  # fmt: skip
from godwit_e2e.identity import message_id


@pytest.fixture
def strangers(people):
    """Alice, and Bob who asks first."""
    alice, bob = people.pair()
    set_privacy(bob, askFirst=True)
    return alice, bob


def is_request(client, peer):
    return list_chats(client)[peer.device.user_id].get("request", False)


def test_first_message_of_a_stranger_comes_as_a_request(strangers):
    alice, bob = strangers
    alice.send(bob, b"may I?")
    assert bob.receive_until(b"may I?")
    assert is_request(bob, alice) and not is_request(alice, bob)


def test_second_message_needs_consent(strangers):
    alice, bob = strangers
    id = message_id()
    first = alice.send(bob, b"may I?", id)
    for _ in range(2):
        with refused("consent_needed"):
            alice.send(bob, b"hello?")
    assert alice.send(bob, b"may I?", id) == first, "a repetition is no second message"
    assert payloads(bob.history(alice)[0]) == [b"may I?"]


def test_accepted_stranger_writes_on(strangers):
    alice, bob = strangers
    alice.send(bob, b"may I?")
    assert answer_request(bob, alice, accept=True) == {}
    assert not is_request(bob, alice)
    assert alice.send_many(bob, [b"one", b"two"]) == [2, 3]
    assert payloads(bob.receive_until(b"two")) == [b"may I?", b"one", b"two"]
    bob.send(alice, b"welcome")
    assert alice.receive_until(b"welcome")


def test_refused_strangers_words_are_dropped_and_no_more_come(strangers, people):
    alice, bob = strangers
    friend = people.new()
    add_contacts(bob, friend)
    alice.send(bob, b"may I?")
    bob.receive_until(b"may I?")
    answer_request(bob, alice, accept=False)
    try:
        alice.send(bob, b"hello?")
    except ServerError as error:
        assert error.code == "consent_needed"
    friend.send(bob, b"sentinel")
    assert payloads(bob.receive_until(b"sentinel")) == [b"sentinel"]
    try:
        assert [payload for payload in payloads(bob.history(alice)[0]) if payload] == []
    except ServerError as error:
        assert error.code == "chat_not_found"
    assert not list_chats(bob).get(alice.device.user_id, {}).get("request", False)


def test_contacts_write_at_once(strangers):
    alice, bob = strangers
    add_contacts(bob, alice)
    alice.send_many(bob, [b"one", b"two"])
    assert payloads(bob.receive_until(b"two")) == [b"one", b"two"]
    assert not is_request(bob, alice)


def test_who_does_not_ask_first_gets_everything(strangers):
    alice, bob = strangers
    set_privacy(bob, askFirst=False)
    alice.send_many(bob, [b"one", b"two"])
    assert payloads(bob.receive_until(b"two")) == [b"one", b"two"]
    assert not is_request(bob, alice)


def test_groups_are_no_requests(strangers):
    alice, bob = strangers
    chat = create_group(alice, bob)
    alice.send_many(chat, [b"one", b"two"])
    assert payloads(bob.receive_until(b"two")) == [b"one", b"two"]


def test_requests_survive_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    set_privacy(bob, askFirst=True)
    alice.send(bob, b"may I?")
    daemon.restart()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    assert is_request(bob, alice)
    with refused("consent_needed"):
        alice.send(bob, b"hello?")
    answer_request(bob, alice, accept=True)
    daemon.restart()
    crowd.login(alice.device, daemon).send(bob, b"thanks")
    assert not is_request(crowd.login(bob.device, daemon), alice)
