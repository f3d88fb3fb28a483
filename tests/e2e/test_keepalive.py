"""The client decides how often it shows a sign of life; silence beyond that closes with 4001."""

import time

from godwit_e2e.websocket import PING, PONG

SHORT = {"session.keepalive_min_s": 1, "session.keepalive_max_s": 100, "session.keepalive_default_s": 50}


def test_silence_closes_with_4001(daemons, crowd):
    daemon = daemons(SHORT).start()
    alice = crowd.login(daemon.register(), daemon, keepaliveS=1)
    assert alice.welcome["keepaliveS"] == 1
    began = time.monotonic()
    assert alice.wait_closed().code == 4001
    assert 1.0 <= time.monotonic() - began <= 10


def test_signs_of_life_keep_it_open(daemons, crowd):
    daemon = daemons(SHORT).start()
    alice = crowd.login(daemon.register(), daemon, keepaliveS=2)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        alice.socket.send_frame(PING, b"")
        while alice.socket.receive_frame()[0] != PONG:
            pass
        time.sleep(0.3)
    alice.request(ping={})


def test_wish_is_cut_to_the_bounds(daemons, crowd):
    daemon = daemons({**SHORT, "session.keepalive_min_s": 10}).start()
    device = daemon.register()
    for wish, granted in ((0, 50), (1, 10), (10, 10), (70, 70), (100_000, 100)):
        with daemon.login(device, keepaliveS=wish) as client:
            assert client.welcome["keepaliveS"] == granted
