"""A call outlives its connections: who comes back in time goes on, with what was said meanwhile."""

import pytest
from godwit_e2e.calls import (
    answer, end, establish, get_call, place, ref, resume, ring, signal, signal_body, wait_change, wait_end,
    wait_offer, wait_record, wait_signal,
)  # fmt: skip
from godwit_e2e.client import ServerError
from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import refused
from godwit_e2e.websocket import Timeout


@pytest.fixture
def active(folk):
    alice, bob = folk.pair()
    return alice, bob, establish(alice, bob)


@pytest.fixture
def impatient(daemons):
    """A daemon that waits a second for a lost device."""
    return daemons({"call.reconnect_s": 1}).start()


def wait_connected(client, other, who, connected):
    wait_until(lambda: get_call(client, other).connected[ref(who)] == connected, what="the connection")


@pytest.mark.smoke
@pytest.mark.parametrize("side", ["caller", "callee"])
def test_either_side_comes_back_and_goes_on(active, folk, side):
    alice, bob, call = active
    lost, other = (alice, bob) if side == "caller" else (bob, alice)
    lost.close()
    wait_connected(other, lost, lost, False)
    back = folk.login(lost.device)
    state = resume(back, call, other)
    assert (state.id, state.phase, state.peer) == (call, "ACTIVE", other.device.user_id)
    assert state.connected == {ref(alice): True, ref(bob): True}
    signal(back, call, other, b"ICE restart", kind="NEW_OFFER")
    assert wait_signal(other, call).kind == "NEW_OFFER"
    signal(other, call, back, b"agreed", kind="NEW_ANSWER")
    assert wait_signal(back, call).payloads == (b"agreed",)
    end(back, call, other)
    assert wait_end(other, call) == "HUNG_UP"


def test_signals_sent_meanwhile_follow_the_reply_in_order(active, folk):
    alice, bob, call = active
    bob.close()
    wait_connected(alice, bob, bob, False)
    for number in range(10):
        signal(alice, call, bob, b"%d" % number)
    back = folk.login(bob.device)
    assert back.take_pushes("callSignaled") == [], "only when the device says that it goes on"
    resume(back, call, alice)
    assert kept_for(back, call, 10) == [b"%d" % number for number in range(10)]
    signal(alice, call, back, b"live again")
    assert wait_signal(back, call).payloads == (b"live again",)


def kept_for(client, call, count):
    """The next payloads of signals, in order."""
    payloads = []
    while len(payloads) < count:
        payloads += wait_signal(client, call).payloads
    return payloads


def test_signals_are_kept_up_to_the_bound(daemons, crowd):
    daemon = daemons({"call.max_buffered_bytes": 2048}).start()
    alice, bob = crowd.pair(daemon)
    call = establish(alice, bob)
    bob.close()
    wait_connected(alice, bob, bob, False)
    kept = 0
    for _ in range(5):
        error = None
        try:
            signal(alice, call, bob, bytes(700))
            kept += 1
        except ServerError as caught:
            error = caught
    assert error.code == "overloaded" and error.retryable
    assert 1 <= kept <= 2
    back = crowd.login(bob.device, daemon)
    resume(back, call, alice)
    assert len(kept_for(back, call, kept)) == kept
    signal(alice, call, back, bytes(700))
    wait_signal(back, call)


def test_early_candidates_are_kept_up_to_the_bound(daemons, crowd):
    daemon = daemons({"call.max_buffered_bytes": 2048}).start()
    alice, bob = crowd.pair(daemon)
    call = place(alice, bob).id
    wait_offer(bob, call)
    signal(alice, call, bob, bytes(1000))
    with refused("overloaded"):
        signal(alice, call, bob, bytes(1500))
    answer(bob, call, alice)
    assert wait_signal(bob, call).payloads == (bytes(1000),)


@pytest.mark.smoke
@pytest.mark.parametrize("side", ["caller", "callee"])
def test_side_that_does_not_come_back_is_lost(impatient, crowd, side):
    alice, bob = crowd.pair(impatient)
    call = establish(alice, bob)
    lost, other = (alice, bob) if side == "caller" else (bob, alice)
    lost.close()
    assert wait_end(other, call) == "LOST"
    assert wait_record(other, call).reason == "LOST"
    back = crowd.login(lost.device, impatient)
    with refused("call_not_found"):
        resume(back, call, other)
    assert wait_record(back, call).reason == "LOST"


def test_caller_who_is_lost_while_it_rings_rings_no_more(impatient, crowd):
    alice, bob = crowd.pair(impatient)
    call = place(alice, bob).id
    wait_offer(bob, call)
    alice.close()
    assert wait_end(bob, call) in ("LOST", "CANCELLED")
    with refused("call_not_found"):
        answer(bob, call, alice)


def test_callee_who_is_away_while_it_rings_loses_nothing(impatient, crowd):
    """The ring time counts, not the time for coming back: nobody was in the call yet."""
    alice, bob = crowd.pair(impatient)
    call = place(alice, bob).id
    wait_offer(bob, call)
    bob.close()
    with pytest.raises(Timeout):
        wait_end(alice, call, timeout=1.6)
    back = crowd.login(bob.device, impatient)
    wait_offer(back, call)
    answer(back, call, alice)
    wait_change(alice, call, "ACTIVE")


def test_answer_waits_for_a_caller_who_comes_back(folk):
    alice, bob = folk.pair()
    call = place(alice, bob).id
    wait_offer(bob, call)
    alice.close()
    wait_connected(bob, alice, alice, False)
    answer(bob, call, alice, b"are you there?")
    back = folk.login(alice.device)
    assert resume(back, call, bob).phase == "ACTIVE"
    assert wait_change(back, call, "ACTIVE").answer == b"are you there?"


def test_answer_that_a_dead_connection_got_is_told_again(folk):
    """The network of the caller is gone, and the server does not know it yet when the answer comes."""
    alice, bob = folk.pair()
    call = place(alice, bob).id
    wait_offer(bob, call)
    answer(bob, call, alice, b"are you there?")  # to a connection that is open, and never read again
    back = folk.login(alice.device)
    assert resume(back, call, bob).phase == "ACTIVE"
    assert wait_change(back, call, "ACTIVE", timeout=3).answer == b"are you there?"


def test_caller_comes_back_while_it_rings(folk):
    alice, bob = folk.pair()
    call = place(alice, bob).id
    wait_offer(bob, call)
    ring(bob, call, alice)
    alice.close()
    back = folk.login(alice.device)
    assert resume(back, call, bob).phase == "RINGING"
    answer(bob, call, alice)
    assert wait_change(back, call, "ACTIVE").answer == b"answer"


def test_coming_back_twice_loses_nothing(active, folk):
    alice, bob, call = active
    for number in range(5):
        bob.close()
        bob = folk.login(bob.device)
        assert resume(bob, call, alice).phase == "ACTIVE"
        signal(alice, call, bob, b"%d" % number)
        assert wait_signal(bob, call).payloads == (b"%d" % number,)


def test_replaced_connection_goes_on(active, folk):
    alice, bob, call = active
    newer = folk.login(bob.device)
    bob.wait_closed()
    assert resume(newer, call, alice).phase == "ACTIVE"
    signal(newer, call, alice, b"from the newer one")
    assert wait_signal(alice, call).payloads == (b"from the newer one",)


def test_going_on_without_having_been_away_is_no_error(active):
    alice, bob, call = active
    assert resume(alice, call, bob).phase == "ACTIVE"


def test_only_devices_of_the_call_go_on_with_it(active, folk):
    alice, bob, call = active
    bob.close()
    for other_device in (folk.login(folk.daemon.link(alice)), folk.new()):
        with refused("call_not_found"):
            resume(other_device, call, bob)
    assert get_call(alice, bob).phase == "ACTIVE"


def test_call_that_ended_meanwhile_is_not_found(active, folk):
    alice, bob, call = active
    bob.close()
    wait_connected(alice, bob, bob, False)
    end(alice, call, bob)
    back = folk.login(bob.device)
    with refused("call_not_found"):
        resume(back, call, alice)
    assert wait_record(back, call).reason == "HUNG_UP"


def test_other_side_may_end_what_waits(active):
    alice, bob, call = active
    bob.close()
    wait_connected(alice, bob, bob, False)
    assert end(alice, call, bob) == {}
    assert wait_record(alice, call).reason == "HUNG_UP"


def test_both_sides_come_back(active, folk):
    alice, bob, call = active
    alice.close()
    bob.close()
    alice, bob = folk.login(alice.device), folk.login(bob.device)
    resume(alice, call, bob)
    resume(bob, call, alice)
    bob.request(signalCall=signal_body(call, alice, [b"again"], "INFO"))
    assert wait_signal(alice, call).kind == "INFO"
    assert get_call(bob, alice).connected == {ref(alice): True, ref(bob): True}
