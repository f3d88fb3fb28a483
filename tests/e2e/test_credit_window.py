"""Delivery pauses when the window is full, and goes on as acknowledgements arrive."""

import pytest
from godwit_e2e.client import is_quiet

pytestmark = pytest.mark.smoke


def test_delivery_pauses_at_the_window_and_goes_on_with_acks(daemons, crowd):
    daemon = daemons({"session.window_envelopes": 4}).start()
    alice, bob = crowd.pair(daemon)
    assert bob.welcome["windowEnvelopes"] == 4
    alice.send_many(bob.device, [b"%d" % i for i in range(10)])

    assert [e.seq for e in bob.receive(4)] == [1, 2, 3, 4]
    assert bob.take_pushes("deliver") == [] and is_quiet(bob, 0.3)
    bob.ack(2)
    assert [e.seq for e in bob.receive(2)] == [5, 6]
    assert is_quiet(bob, 0.3)
    bob.ack(6)
    assert [e.seq for e in bob.receive(4)] == [7, 8, 9, 10]
    assert daemon.metric("godwit_window_full_total") >= 2


def test_window_of_bytes_pauses_too(daemons, crowd):
    daemon = daemons({"session.window_bytes": 131072}).start()
    alice, bob = crowd.pair(daemon)
    alice.send_many(bob.device, [bytes(50_000)] * 8)
    first = bob.receive(3)  # the third crosses the bound
    assert bob.take_pushes("deliver") == [] and is_quiet(bob, 0.3)
    bob.ack(first[-1].seq)
    assert [e.seq for e in bob.receive(3)] == [4, 5, 6]
    bob.ack(6)
    assert [e.seq for e in bob.receive(2)] == [7, 8]


def test_requests_are_answered_while_delivery_pauses(daemons, crowd):
    daemon = daemons({"session.window_envelopes": 1}).start()
    alice, bob = crowd.pair(daemon)
    alice.send_many(bob.device, [b"%d" % i for i in range(5)])
    bob.receive(1)
    assert bob.send(alice.device, b"I am alive") == 6
    assert len(bob.history(alice.device)[0]) == 6
