"""A deleted account is gone for everybody, and its handle is never given out again."""

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.identity import b64

pytestmark = pytest.mark.smoke


def delete(client):
    done = client.request(deleteAccount=client.delete_body())
    assert done == {}
    return client.wait_closed()


def test_deletion_answers_done_then_closes_every_device_with_4203(people, shared):
    alice = people.new()
    laptop = people.login(shared.link(alice))
    assert delete(alice).code == 4203
    assert laptop.wait_closed().code == 4203
    with pytest.raises(ServerError, match="user_not_found"):
        people.connect().hello(alice.device)


def test_deleted_user_cannot_be_written_to_or_found(people):
    alice, bob = people.pair()
    bob.send(alice.device, b"while it exists")
    delete(alice)
    assert bob.error_of(send=bob.send_body(alice.device, b"too late")).code == "user_not_found"
    assert bob.error_of(lookupUser={"handle": alice.device.handle}).code == "user_not_found"
    assert bob.error_of(lookupUser={"userId": str(alice.device.user_id)}).code == "user_not_found"
    stranger = people.new()
    assert stranger.error_of(send=stranger.send_body(alice.device, b"x")).code == "user_not_found"


def test_chat_log_stays_for_the_other_side(people):
    alice, bob = people.pair()
    alice.send(bob.device, b"keep this")
    delete(alice)
    assert [e.payload for e in bob.history(alice.device)[0]] == [b"keep this"]


def test_handle_of_a_deleted_account_stays_taken(people):
    alice = people.new()
    delete(alice)
    with pytest.raises(ServerError, match="handle_taken"):
        people.connect().register(alice.device.handle)


def test_deletion_wants_a_proof_over_this_connections_nonce(people):
    alice, bob = people.pair()
    old_proof = alice.delete_body()
    again = people.login(alice.device)
    assert again.error_of(deleteAccount=old_proof).code == "proof_invalid"
    assert again.error_of(deleteAccount={"signature": b64(bytes(64))}).code == "proof_invalid"
    bob.send(alice.device)
    again.receive()


def test_deletion_survives_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    delete(alice)
    daemon.restart()
    bob = crowd.login(bob.device, daemon)
    assert bob.error_of(send=bob.send_body(alice.device, b"x")).code == "user_not_found"
    with pytest.raises(ServerError, match="handle_taken"):
        crowd.connect(daemon).register(alice.device.handle)
