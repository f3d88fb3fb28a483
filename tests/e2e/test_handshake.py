"""Half a handshake, a slow one, or none: each ends at its time limit and costs others nothing."""

import socket
import threading
import time

import pytest
from godwit_e2e.client import Client
from godwit_e2e.daemon import Daemon
from godwit_e2e.websocket import PING, UpgradeRefused, WebSocket, upgrade_request

LIMIT_S = 1.0
# Timers have a resolution of a second, and the machine may be busy.
LATE_S = 8.0


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    limits = {"net.handshake_timeout_ms": 1000, "session.hello_timeout_ms": 1000}
    daemon = Daemon(tmp_path_factory.mktemp("strict"), limits).start()
    yield daemon
    daemon.kill()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def seconds_until_end(sock):
    began = time.monotonic()
    try:
        while sock.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - began


@pytest.mark.parametrize("size", [0, 1, 40, -1], ids=["nothing", "a byte", "half", "all but a byte"])
def test_half_a_handshake_ends_at_the_limit(strict, size):
    request = upgrade_request()[1]
    sock = connect(strict.client_port)
    sock.sendall(request[:size])
    assert LIMIT_S * 0.5 < seconds_until_end(sock) < LIMIT_S + LATE_S
    sock.close()


def test_slowloris_does_not_extend_the_limit(strict):
    sock = connect(strict.client_port)
    request = b"GET /v1/ws HTTP/1.1\r\n" + b"X-Pad: 1\r\n" * 400
    stop = threading.Event()

    def drip():
        for byte in request:
            if stop.is_set():
                return
            try:
                sock.sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(0.02)

    dripping = threading.Thread(target=drip)
    dripping.start()
    assert seconds_until_end(sock) < LIMIT_S + LATE_S
    stop.set()
    dripping.join()
    sock.close()
    assert strict.metric("godwit_net_handshake_failures_total", listener="client", reason="timeout") > 0


def test_no_hello_closes_with_4103(strict):
    began = time.monotonic()
    assert Client(strict.client_port).wait_closed().code == 4103
    assert time.monotonic() - began < LIMIT_S + LATE_S


def test_pings_do_not_extend_the_time_for_hello(strict):
    client = Client(strict.client_port)
    stop = threading.Event()

    def ping():
        while not stop.wait(0.1):
            try:
                client.socket.send_frame(PING)
            except Exception:
                return

    pinging = threading.Thread(target=ping)
    pinging.start()
    closed = client.wait_closed(LIMIT_S + LATE_S)
    stop.set()
    pinging.join()
    assert closed.code == 4103


def test_header_beyond_the_limit_is_refused(strict):
    sock = connect(strict.client_port)
    try:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Pad: " + b"a" * 9000)
        assert sock.recv(100).startswith(b"HTTP/1.1 431")
    finally:
        sock.close()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"GET ", b"POST "), 405),
        ((b"HTTP/1.1", b"HTTP/1.0"), 400),
        ((b"Upgrade: websocket\r\n", b""), 426),
        ((b"Version: 13", b"Version: 8"), 426),
        ((b"godwit.v1.json", b"chat"), 400),
        ((b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: x"), 400),
        ((b"/v1/ws", b"/v2/ws"), 404),
        ((b"GET /v1/ws HTTP/1.1", b"\x16\x03\x01\x02\x00\x01"), 400),
    ],
    ids=["post", "http10", "no upgrade", "version 8", "subprotocol", "key", "path", "tls on plain text"],
)
def test_refused_upgrade_is_an_http_response(strict, change, status):
    sock = connect(strict.client_port)
    sock.sendall(upgrade_request()[1].replace(*change))
    answer = sock.recv(4096)
    sock.close()
    assert answer.startswith(b"HTTP/1.1 %d" % status), answer


def test_extensions_are_not_negotiated(strict):
    client = WebSocket(strict.client_port, headers=["Sec-WebSocket-Extensions: permessage-deflate"])
    client.receive_message()
    client.close()


def test_first_known_subprotocol_of_the_client_is_taken(strict):
    with pytest.raises(UpgradeRefused) as refused:
        WebSocket(strict.client_port, protocol="mqtt")
    assert refused.value.status == 400
