"""Behind a load balancer the client's own address counts, by the word of trusted proxies alone."""

import socket
import struct

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.websocket import Closed, UpgradeRefused

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header_v2(address):
    body = socket.inet_aton(address) + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 40000, 443)
    return SIGNATURE + b"\x21\x11" + struct.pack("!H", len(body)) + body


TRUSTED = {"net.trusted_proxies": "127.0.0.0/8", "log.level": "debug"}
BEHIND_PROXY = {**TRUSTED, "net.proxy_protocol": True}


def test_address_in_the_header_counts(daemons, crowd):
    daemon = daemons(BEHIND_PROXY).start()
    from_afar = {"first_bytes": header_v2("203.0.113.7")}
    alice = crowd.login(daemon.register(**from_afar), daemon, connection=from_afar)
    daemon.wait_log("session_live", address="203.0.113.7")
    alice.request(ping={})


def test_version_1_is_understood(daemons, crowd):
    daemon = daemons(BEHIND_PROXY).start()
    from_afar = {"first_bytes": b"PROXY TCP4 203.0.113.8 127.0.0.1 40000 443\r\n"}
    crowd.login(daemon.register(**from_afar), daemon, connection=from_afar)
    daemon.wait_log("session_live", address="203.0.113.8")


def test_limits_count_for_the_clients_address(daemons, crowd):
    daemon = daemons({**BEHIND_PROXY, "limits.address_registrations_per_hour": 1}).start()
    daemon.register(first_bytes=header_v2("203.0.113.1"))
    with pytest.raises(ServerError, match="rate_limited"):
        for _ in range(3):  # each worker counts for itself
            daemon.register(first_bytes=header_v2("203.0.113.1"))
    daemon.register(first_bytes=header_v2("203.0.113.2"))


def test_connections_are_limited_for_the_clients_address(daemons, crowd):
    daemon = daemons({**BEHIND_PROXY, "net.max_connections_per_address": 2}).start()
    for _ in range(2):
        crowd.connect(daemon, first_bytes=header_v2("203.0.113.1"))
    with pytest.raises((Closed, UpgradeRefused)):
        crowd.connect(daemon, first_bytes=header_v2("203.0.113.1"))
    crowd.connect(daemon, first_bytes=header_v2("203.0.113.2"))


@pytest.mark.parametrize(
    "first_bytes", [b"", SIGNATURE + b"\x21\x11\xff\xff", b"PROXY TCP4 nonsense\r\n"], ids=range(3)
)
def test_missing_or_malformed_header_from_a_trusted_proxy_is_closed(daemons, crowd, first_bytes):
    daemon = daemons(BEHIND_PROXY).start()
    with pytest.raises(Closed):
        crowd.connect(daemon, first_bytes=first_bytes)
    assert daemon.metric("godwit_net_handshake_failures_total", listener="client", reason="proxy_header") == 1


def test_header_from_anywhere_else_is_not_believed(daemons, crowd):
    daemon = daemons({**BEHIND_PROXY, "net.trusted_proxies": "10.0.0.0/8"}).start()
    with pytest.raises((Closed, UpgradeRefused)):
        crowd.connect(daemon, first_bytes=header_v2("203.0.113.7"))
    crowd.new(daemon)
    daemon.wait_log("session_live", address="127.0.0.1")


@pytest.mark.parametrize(
    ("trusted", "address"), [("127.0.0.0/8", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")]
)
def test_x_forwarded_for_counts_from_trusted_proxies_alone(daemons, crowd, trusted, address):
    daemon = daemons({**TRUSTED, "net.trusted_proxies": trusted}).start()
    # The last entry is the one that the trusted proxy itself saw.
    forwarded = {"headers": ["X-Forwarded-For: 198.51.100.1, 203.0.113.9"]}
    crowd.login(daemon.register(), daemon, connection=forwarded)
    daemon.wait_log("session_live", address=address)
