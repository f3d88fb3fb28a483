"""A call rings on all devices of the callee; the first answer wins, and the others are told."""

import pytest
from godwit_e2e.calls import (
    answer, answer_body, end, establish, get_call, place, ref, ring, signal, wait_change, wait_end,
    wait_offer, wait_record, wait_signal,
)  # fmt: skip
from godwit_e2e.client import ServerError
from godwit_e2e.groups import refused


@pytest.fixture
def devices(folk):
    """Alice, and three devices of Bob."""
    alice, bob = folk.pair()
    return alice, [bob] + [folk.login(folk.daemon.link(bob)) for _ in range(2)]


@pytest.fixture
def ringing(devices):
    """As `devices`, with a call that rings at all three."""
    alice, bobs = devices
    call = place(alice, bobs[0])
    assert call.devices == 3
    for device in bobs:
        wait_offer(device, call.id)
    return alice, bobs, call.id


def told_nothing(client):
    return client.take_pushes("callOffered") == client.take_pushes("callChanged") == []


@pytest.mark.smoke
def test_answer_stops_the_others(ringing):
    alice, bobs, call = ringing
    answer(bobs[1], call, alice)
    assert wait_change(alice, call, "ACTIVE").device == bobs[1].device.device_id
    for other in (bobs[0], bobs[2]):
        assert wait_end(other, call) == "ELSEWHERE"


@pytest.mark.smoke
def test_second_answer_is_told_so(ringing):
    alice, bobs, call = ringing
    answer(bobs[0], call, alice, b"first")
    with refused("call_answered"):
        answer(bobs[1], call, alice, b"second")
    assert wait_change(alice, call, "ACTIVE").answer == b"first"
    assert told_nothing(alice)


def test_of_answers_at_once_exactly_one_wins(devices):
    alice, bobs = devices
    for _ in range(20):
        call = place(alice, bobs[0]).id
        for device in bobs:
            wait_offer(device, call)
        requests = [
            device.start(answerCall=answer_body(call, alice, b"%d" % number))
            for number, device in enumerate(bobs)
        ]
        winners = []
        for number, device in enumerate(bobs):
            try:
                device.result(requests[number])
                winners.append(number)
            except ServerError as error:
                assert error.code == "call_answered"
        (winner,) = winners
        told = wait_change(alice, call, "ACTIVE")
        assert (told.device, told.answer) == (bobs[winner].device.device_id, b"%d" % winner)
        for number, device in enumerate(bobs):
            if number != winner:
                assert wait_end(device, call) == "ELSEWHERE"
        end(alice, call, bobs[0])
        assert wait_end(bobs[winner], call) == "HUNG_UP"


def test_rejection_stops_the_others(ringing):
    alice, bobs, call = ringing
    end(bobs[0], call, alice, "REJECTED")
    assert wait_end(alice, call) == "REJECTED"
    for other in bobs[1:]:
        assert wait_end(other, call) == "ELSEWHERE"


def test_cancellation_stops_all(ringing):
    alice, bobs, call = ringing
    end(alice, call, bobs[0])
    for device in bobs:
        assert wait_end(device, call) == "CANCELLED"


def test_ring_time_that_is_over_stops_all(daemons, crowd):
    daemon = daemons({"call.ring_s": 1}).start()
    alice, bob = crowd.pair(daemon)
    laptop = crowd.login(daemon.link(bob), daemon)
    call = place(alice, bob).id
    for device in (bob, laptop, alice):
        assert wait_end(device, call) == "NOT_ANSWERED"


def test_callers_other_devices_do_not_ring(folk):
    alice, bob = folk.pair()
    laptop = folk.login(folk.daemon.link(alice))
    call = place(alice, bob).id
    wait_offer(bob, call)
    assert laptop.take_pushes("callOffered") == []


def test_first_device_that_rings_makes_it_ring(ringing):
    alice, bobs, call = ringing
    for device in bobs:
        ring(device, call, alice)
    wait_change(alice, call, "RINGING")
    assert told_nothing(alice)


def test_device_that_connects_while_it_rings_rings_too(folk):
    alice = folk.new()
    bob = folk.daemon.register()
    call = place(alice, bob, b"for who comes late", kind="VIDEO")
    assert call.devices == 0
    bob = folk.login(bob)
    offer = wait_offer(bob, call.id)
    assert (offer.caller, offer.device) == ref(alice)
    assert (offer.kind, offer.offer) == ("VIDEO", b"for who comes late")
    assert 0 < offer.ring_ms <= call.ring_ms
    answer(bob, call.id, alice)
    wait_change(alice, call.id, "ACTIVE")


def test_device_that_reconnects_while_it_rings_rings_again(ringing, folk):
    alice, bobs, call = ringing
    bobs[0].close()
    back = folk.login(bobs[0].device)
    assert wait_offer(back, call).offer == b"offer"
    answer(back, call, alice)
    assert wait_change(alice, call, "ACTIVE").device == back.device.device_id


def test_device_linked_while_it_rings_rings_too(ringing, folk):
    alice, bobs, call = ringing
    tablet = folk.login(folk.daemon.link(bobs[0]))
    wait_offer(tablet, call)
    answer(tablet, call, alice)
    for other in bobs:
        assert wait_end(other, call) == "ELSEWHERE"


def test_device_that_connects_after_the_answer_does_not_ring(ringing, folk):
    alice, bobs, call = ringing
    answer(bobs[0], call, alice)
    tablet = folk.login(folk.daemon.link(bobs[0]))
    assert told_nothing(tablet)


def test_device_that_connects_after_the_end_does_not_ring(ringing, folk):
    alice, bobs, call = ringing
    end(alice, call, bobs[0])
    wait_end(bobs[0], call)
    tablet = folk.login(folk.daemon.link(bobs[0]))
    assert told_nothing(tablet)


def test_signals_go_to_the_device_in_the_call_alone(ringing):
    alice, bobs, call = ringing
    answer(bobs[1], call, alice)
    signal(alice, call, bobs[0], b"x")
    assert wait_signal(bobs[1], call).payloads == (b"x",)
    for other in (bobs[0], bobs[2]):
        assert other.take_pushes("callSignaled") == []


def test_early_candidates_go_to_the_device_that_answers_alone(ringing):
    alice, bobs, call = ringing
    signal(alice, call, bobs[0], b"early")
    answer(bobs[2], call, alice)
    assert wait_signal(bobs[2], call).payloads == (b"early",)
    for other in bobs[:2]:
        assert other.take_pushes("callSignaled") == []


def test_devices_that_are_not_in_the_call_may_do_nothing_in_it(ringing, folk):
    alice, bobs, call = ringing
    laptop = folk.login(folk.daemon.link(alice))
    answer(bobs[0], call, alice)
    wait_change(alice, call, "ACTIVE")
    for device, other in ((bobs[1], alice), (laptop, bobs[0])):
        for attempt in (lambda: signal(device, call, other, b"x"), lambda: end(device, call, other)):
            with pytest.raises(ServerError) as caught:
                attempt()
            assert caught.value.code in ("call_not_found", "call_answered")
    assert get_call(alice, bobs[0]).connected == {ref(alice): True, ref(bobs[0]): True}
    assert alice.take_pushes("callSignaled") == []


def test_callers_other_device_cannot_place_a_second_call(ringing, folk):
    alice, bobs, call = ringing
    laptop = folk.login(folk.daemon.link(alice))
    with refused("call_exists"):
        place(laptop, bobs[0])
    assert get_call(laptop, bobs[0]).id == call


def test_other_devices_see_the_call_and_its_record(ringing):
    alice, bobs, call = ringing
    answer(bobs[0], call, alice)
    assert get_call(bobs[2], alice).phase == "ACTIVE"
    end(alice, call, bobs[0])
    for device in (*bobs, alice):
        assert wait_record(device, call).reason == "HUNG_UP"


def test_revoked_device_that_was_in_the_call_can_do_nothing(daemons, crowd):
    daemon = daemons({"call.reconnect_s": 1}).start()
    alice, bob = crowd.pair(daemon)
    laptop = crowd.login(daemon.link(bob), daemon)
    call = place(alice, bob).id
    wait_offer(laptop, call)
    answer(laptop, call, alice)
    wait_change(alice, call, "ACTIVE")
    bob.revoke(laptop.device.device_id)
    assert wait_end(alice, call) == "LOST"


def test_account_deleted_in_mid_call_ends_it(daemons, crowd):
    daemon = daemons({"call.reconnect_s": 1}).start()
    alice, bob = crowd.pair(daemon)
    call = establish(alice, bob)
    bob.request(deleteAccount=bob.delete_body())
    wait_end(alice, call)
    alice.request(ping={})
