"""A cursor beyond what was delivered, or one that goes back, is refused without effect."""

import pytest

pytestmark = pytest.mark.smoke


def two_entries(people):
    alice, bob = people.pair()
    alice.send_many(bob.device, [b"one", b"two"])
    bob.receive(2)
    return bob


def test_ack_beyond_the_end_is_cursor_ahead_without_effect(people, shared):
    bob = two_entries(people)
    assert bob.error_of(ack={"cursor": "3"}).code == "cursor_ahead"
    assert bob.error_of(ack={"cursor": str(2**64 - 1)}).code == "cursor_ahead"
    bob.close()
    assert people.login(bob.device).welcome.get("cursor", "0") == "0"


def test_ack_going_back_is_cursor_behind_without_effect(people):
    bob = two_entries(people)
    bob.ack(2)
    assert bob.error_of(ack={"cursor": "1"}).code == "cursor_behind"
    bob.close()
    assert people.login(bob.device).welcome["cursor"] == "2"


def test_same_ack_again_is_done(people):
    bob = two_entries(people)
    assert bob.ack(2) == {} and bob.ack(2) == {}


def test_failed_notice_is_told_with_request_id_0(people):
    bob = two_entries(people)
    bob.notice(ack={"cursor": "9"})
    assert bob.wait_push("error")["code"] == "cursor_ahead"
    bob.notice(ack={"cursor": "2"})
    assert bob.take_pushes("error") == [], "a notice that succeeds is not answered"


def test_read_beyond_the_end_is_invalid_argument(people):
    alice, bob = people.pair()
    alice.send(bob.device)
    assert bob.error_of(read={"peer": str(alice.device.user_id), "chatSeq": "2"}).code == "invalid_argument"
    assert bob.error_of(read={"peer": "77", "chatSeq": "1"}).code == "chat_not_found"
