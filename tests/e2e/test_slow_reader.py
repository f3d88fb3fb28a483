"""A device that does not read falls back to its inbox: it gets everything, and nobody else notices."""

import time

PAYLOAD = bytes(16_000)
# Wider than the output budget of 256 KiB, so that it is the socket that stalls and not the window.
WINDOW = {"session.window_bytes": 2 << 20}


def stalled_reader(daemon, crowd):
    # A small buffer, so that the server soon has nowhere to put its bytes.
    return crowd.new(daemon, connection={"receive_buffer": 4096})


def test_stalled_reader_gets_everything_and_others_are_served(daemons, crowd):
    daemon = daemons(WINDOW).start()
    alice, carol = crowd.pair(daemon)
    bob = stalled_reader(daemon, crowd)
    for _ in range(6):
        alice.send_many(bob.device, [PAYLOAD] * 50)
        began = time.monotonic()
        alice.send(carol.device, b"quick")
        (quick,) = carol.receive()
        carol.ack(quick.seq)
        assert time.monotonic() - began < 5, "a reader who stalls holds up another"
    daemon.checkpoint()

    assert daemon.metric("godwit_sessions_live") == 3, "nobody is disconnected for being slow"
    assert daemon.metric("godwit_envelopes_delivered_total") < 300, "it did not stall"
    received = bob.receive_all(300, timeout=60)
    assert [e.seq for e in received] == list(range(1, 301))
    assert all(e.payload == PAYLOAD for e in received)
    assert daemon.metric("godwit_catch_up_pages_total") > 0, "it never read from the store"
    alice.send(bob.device, b"live again")
    assert bob.receive()[0].payload == b"live again"


def test_catching_up_stays_within_the_output_budget_however_wide_the_window(daemons, crowd):
    # More waits in the store than net.max_output_bytes, at which a connection would be closed.
    wide = {
        "session.window_bytes": 64 << 20,
        "session.window_envelopes": 10_000,
        "net.max_output_bytes": 2 << 20,
        "keys.max_claim_bytes": 131072,
        "chat.max_commit_bytes": 16384,
    }
    daemon = daemons(wide).start()
    alice = crowd.new(daemon)
    bob = daemon.register()
    alice.send_many(bob, [PAYLOAD])  # what follows need not wait for bob's account to be looked up
    alice.send_many(bob, [PAYLOAD] * 199)
    daemon.checkpoint()
    client = crowd.login(bob, daemon, connection={"receive_buffer": 4096})
    assert [e.seq for e in client.receive_all(200, timeout=60)] == list(range(1, 201))


def test_watermarks_left_out_during_a_stall_come_afterwards(daemons, crowd):
    daemon = daemons({"chat.watermark_interval_ms": 0, **WINDOW}).start()
    alice, carol = crowd.pair(daemon)
    bob = stalled_reader(daemon, crowd)
    bob.send(carol.device, b"read me")
    alice.send_many(bob.device, [PAYLOAD] * 100)
    carol.read(bob.device, 1)
    bob.receive_all(100, timeout=60)
    bob.wait_watermark(carol.device, carol.device, read=1)
