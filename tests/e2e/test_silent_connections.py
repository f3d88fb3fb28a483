"""Thousands of connections that say nothing cost little, end at their time limit, and disturb nobody."""

import resource
import socket
import time

from godwit_e2e.daemon import NIGHTLY, wait_until
from godwit_e2e.websocket import upgrade_request

COUNT = 10_000 if NIGHTLY else 2_000
LIMIT_MS = 60_000 if NIGHTLY else 12_000
MAX_BYTES_EACH = 16 * 1024


def open_silent(port):
    """Half say nothing at all, half upgrade and then say nothing."""
    sockets = []
    for i in range(COUNT):
        sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        sockets.append(sock)
        if i % 2:
            sock.sendall(upgrade_request()[1])
    return sockets


def test_silent_connections_leave_others_undisturbed(daemons, crowd):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    daemon = daemons({"net.handshake_timeout_ms": LIMIT_MS, "session.hello_timeout_ms": LIMIT_MS}).start()
    alice, bob = crowd.pair(daemon)
    sockets = []
    try:
        before = daemon.resident_bytes()
        sockets = open_silent(daemon.client_port)
        wait_until(lambda: daemon.metric("godwit_net_connections", listener="client") >= COUNT, 60)
        assert daemon.resident_bytes() - before < COUNT * MAX_BYTES_EACH
        for i in range(50):
            began = time.monotonic()
            alice.send(bob.device, b"%d" % i)
            (envelope,) = bob.receive()
            bob.ack(envelope.seq)
            assert time.monotonic() - began < 5
        newcomer = crowd.new(daemon)
        newcomer.send(bob.device, b"new here")
        assert bob.receive()[0].payload == b"new here"
        wait_until(lambda: daemon.metric("godwit_net_connections", listener="client") <= 4, 120, "their end")
        alice.request(ping={})
    finally:
        for sock in sockets:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_beyond_the_limit_of_an_address_are_refused(daemons, crowd):
    daemon = daemons({"net.max_connections_per_address": 5}).start()
    alice = crowd.new(daemon)
    sockets = [socket.create_connection(("127.0.0.1", daemon.client_port), timeout=20) for _ in range(10)]
    for sock in sockets[4:]:
        try:
            assert sock.recv(1) == b""
        except ConnectionResetError:
            pass
    assert daemon.metric("godwit_net_refused_total", listener="client", reason="address_limit") == 6
    alice.request(ping={})
    for sock in sockets:
        sock.close()
    wait_until(lambda: daemon.metric("godwit_net_connections", listener="client") == 1)
    crowd.new(daemon)
