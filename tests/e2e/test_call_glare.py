"""There is one call in a chat: the same again finds it, the second is told of the first."""

import pytest
from godwit_e2e.calls import (
    answer, end, establish, get_call, place, place_body, placed, records, signal, wait_change, wait_end,
    wait_offer, wait_record, wait_signal,
)  # fmt: skip
from godwit_e2e.client import ServerError
from godwit_e2e.groups import refused


@pytest.fixture
def pair(folk):
    return folk.pair()


@pytest.fixture
def ringing(pair):
    """Alice, who calls, Bob, who is called, and the call."""
    alice, bob = pair
    call = place(alice, bob).id
    wait_offer(bob, call)
    return alice, bob, call


@pytest.fixture
def active(pair):
    """Alice, who called, Bob, who answered, and the call."""
    return (*pair, establish(*pair))


@pytest.mark.smoke
def test_same_id_again_finds_the_same_call(pair):
    alice, bob = pair
    body = place_body(bob)
    first = placed(body, alice.request(placeCall=body))
    assert placed(body, alice.request(placeCall=body)).instead == first.instead == b""
    wait_offer(bob, first.id)
    assert bob.take_pushes("callOffered") == [], "it rings once"
    answer(bob, first.id, alice)
    wait_change(alice, first.id, "ACTIVE")


def test_same_id_after_the_end_rings_nobody(pair):
    alice, bob = pair
    body = place_body(bob)
    call = placed(body, alice.request(placeCall=body)).id
    wait_offer(bob, call)
    end(bob, call, alice, "REJECTED")
    assert wait_end(alice, call) == "REJECTED"
    try:
        alice.request(placeCall=body)
    except ServerError as error:
        assert error.code in ("call_not_found", "message_id_reused")
    assert bob.take_pushes("callOffered") == []
    with refused("call_not_found"):
        get_call(bob, alice)
    wait_record(bob, call)
    assert len(records(bob, alice)) == 1


def test_call_that_comes_second_is_told_of_the_first(pair):
    alice, bob = pair
    first = place(alice, bob).id
    second = place(bob, alice)
    assert second.instead == first
    assert alice.take_pushes("callOffered") == [], "the second is none"
    wait_offer(bob, first)
    answer(bob, first, alice)
    assert wait_change(alice, first, "ACTIVE").device == bob.device.device_id
    with refused("call_not_found"):
        answer(alice, second.id, bob)


def test_calls_at_the_same_time_become_one(folk):
    alice, bob = folk.pair()
    for _ in range(20):
        bodies = place_body(bob), place_body(alice)
        requests = alice.start(placeCall=bodies[0]), bob.start(placeCall=bodies[1])
        told = placed(bodies[0], alice.result(requests[0])), placed(bodies[1], bob.result(requests[1]))
        assert sorted(bool(one.instead) for one in told) == [False, True]
        (stands,) = [one.id for one in told if not one.instead]
        (other,) = [one for one in told if one.instead]
        assert other.instead == stands
        caller, callee = (alice, bob) if told[0].id == stands else (bob, alice)
        wait_offer(callee, stands)
        answer(callee, stands, caller)
        wait_change(caller, stands, "ACTIVE")
        end(caller, stands, callee)
        assert wait_end(callee, stands) == "HUNG_UP"


def test_second_call_in_the_chat_is_refused(active):
    alice, bob, call = active
    for client, other in ((alice, bob), (bob, alice)):
        with refused("call_exists"):
            place(client, other)
    signal(alice, call, bob, b"undisturbed")
    assert wait_signal(bob, call).payloads == (b"undisturbed",)


def test_second_call_while_the_first_rings_is_refused(ringing):
    alice, bob, call = ringing
    with refused("call_exists"):
        place(alice, bob)
    assert bob.take_pushes("callOffered") == []
    assert get_call(bob, alice).id == call


def test_next_call_can_be_placed_at_once(pair):
    alice, bob = pair
    for _ in range(5):
        call = establish(alice, bob)
        end(alice, call, bob)
        assert wait_end(bob, call) == "HUNG_UP"


def test_calls_in_other_chats_go_on_beside(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    with_bob = establish(alice, bob)
    with_carol = establish(carol, alice)
    signal(bob, with_bob, alice, b"of Bob")
    signal(carol, with_carol, alice, b"of Carol")
    assert wait_signal(alice, with_bob).payloads == (b"of Bob",)
    assert wait_signal(alice, with_carol).payloads == (b"of Carol",)
