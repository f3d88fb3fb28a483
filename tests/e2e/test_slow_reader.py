"""A device that does not read falls back to its inbox: it gets everything, and nobody else notices."""

import time


def test_stalled_reader_gets_everything_and_others_are_served(daemons, crowd):
    daemon = daemons({"journal.checkpoint_interval_ms": 200}).start()
    alice, carol = crowd.pair(daemon)
    # A small buffer, so that the server soon has nowhere to put its bytes.
    bob = crowd.new(daemon, connection={"receive_buffer": 4096})
    payload = bytes(4000)
    for _ in range(5):
        alice.send_many(bob.device, [payload] * 100)
        began = time.monotonic()
        alice.send(carol.device, b"quick")
        (quick,) = carol.receive()
        carol.ack(quick.seq)
        assert time.monotonic() - began < 5, "a reader who stalls holds up another"

    # It still stands in the registry: nobody is disconnected for being slow.
    assert daemon.metric("godwit_sessions_live") == 3
    received = bob.receive_all(500)
    assert [e.seq for e in received] == list(range(1, 501))
    assert all(e.payload == payload for e in received)
    assert daemon.metric("godwit_catch_up_pages_total") > 0, "it never read from the store"
    alice.send(bob.device, b"live again")
    assert bob.receive()[0].payload == b"live again"
