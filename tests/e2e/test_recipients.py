"""A message to oneself or to nobody gets its documented error. (Blocked and deleted: see there.)"""

from godwit_e2e.identity import b64, message_id


def test_message_to_oneself(people):
    alice = people.new()
    assert alice.error_of(send=alice.send_body(alice.device, b"note")).code == "message_to_self"


def test_message_to_nobody(people):
    alice = people.new()
    assert alice.error_of(send=alice.send_body(12345, b"x")).code == "user_not_found"
    assert alice.error_of(send={"id": b64(message_id()), "payload": b64(b"x")}).code == "invalid_argument"


def test_refused_message_leaves_nothing_behind(people):
    alice, bob = people.pair()
    alice.error_of(send=alice.send_body(12345, b"x"))
    assert alice.error_of(history={"peer": "12345"}).code == "chat_not_found"
    assert alice.send(bob.device) == 1


def test_lookup_finds_by_handle_and_by_id(people):
    alice, bob = people.pair()
    expected = {"userId": str(bob.device.user_id), "handle": bob.device.handle}
    assert alice.request(lookupUser={"handle": bob.device.handle}) == expected
    assert alice.request(lookupUser={"handle": bob.device.handle.upper()}) == expected
    assert alice.request(lookupUser={"userId": str(bob.device.user_id)}) == expected
    assert alice.error_of(lookupUser={}).code == "invalid_argument"
    assert alice.error_of(lookupUser=expected).code == "invalid_argument"
    assert alice.error_of(lookupUser={"handle": "no such user"}).code == "handle_invalid"
    assert alice.error_of(lookupUser={"handle": "nobody-here"}).code == "user_not_found"
