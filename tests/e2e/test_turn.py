"""coturn, as config/coturn.conf.example sets it up, relays for whom Godwit gave credentials, and for nobody else."""

import glob
import json
import signal
import socket
import ssl
import time

import pytest
from godwit_e2e.certificates import Certificate
from godwit_e2e.client import ServerError
from godwit_e2e.turn import Coturn, TurnError, credentials, password_of

SECRET = "the secret that Godwit and coturn share"
HOUR_S = 3600


@pytest.fixture(scope="module")
def coturn(tmp_path_factory):
    """A server for all tests that leave it as it was."""
    server = Coturn(tmp_path_factory.mktemp("coturn"), [SECRET]).start()
    yield server
    server.stop()


@pytest.fixture
def coturns(tmp_path):
    """Makes servers for one test, and ends them after it."""
    made = []

    def make(*secrets, **changes):
        made.append(Coturn(tmp_path / f"coturn{len(made)}", list(secrets), **changes))
        return made[-1].start()

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def issuer(daemons, crowd):
    """`issuer(server)`: a daemon that tells of this server, and a user connected to it."""

    def make(server, environment=None, **turn):
        settings = {"turn.servers": [server.url + "udp"], "turn.secret": SECRET}
        settings.update({f"turn.{name}": value for name, value in turn.items()})
        daemon = daemons(settings, environment=environment).start()
        return daemon, crowd.new(daemon)

    return make


def issued(client):
    """(username, password) as the daemon gives them to this user."""
    (server,) = client.request(getIceServers={})["servers"]
    return server["username"], server["credential"]


def in_an_hour(secret=SECRET, user_id=7):
    return credentials(secret, user_id, int(time.time()) + HOUR_S)


def relay_refused(server, username, password):
    with server.client() as client, pytest.raises(TurnError) as refused:
        client.allocate(username, password)
    return refused.value.code


def relay_made(server, username, password):
    with server.client() as client:
        client.allocate(username, password)
        client.refresh(0)


def echo_through_relay(client, relay):
    """Packets go out by the relay's address and come back the same way, with a peer on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(10)
        client.permit(peer.getsockname())
        client.send(peer.getsockname(), b"to the peer")
        data, source = peer.recvfrom(2048)
        assert (data, source) == (b"to the peer", relay)
        peer.sendto(b"and back", relay)
        assert client.receive() == (peer.getsockname(), b"and back")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_good_credentials_make_a_relay_that_carries_data_both_ways(coturn, transport):
    with coturn.client(transport) as client:
        relay = client.allocate(*in_an_hour())
        echo_through_relay(client, relay)
        assert client.refresh(0) == 0


def test_a_relay_over_tls(coturns, tmp_path):
    certificate = Certificate(tmp_path)
    server = coturns(SECRET, cert=certificate.certificate, pkey=certificate.key)
    context = ssl.create_default_context(cafile=certificate.trust)
    with server.client("tcp", context) as client:
        echo_through_relay(client, client.allocate(*in_an_hour()))


def test_expired_credentials_are_refused(coturn):
    now = int(time.time())
    assert relay_refused(coturn, *credentials(SECRET, 7, now - 1)) == 401
    assert relay_refused(coturn, *credentials(SECRET, 7, now - 30 * 24 * HOUR_S)) == 401


def test_forged_credentials_are_refused(coturn):
    username, password = in_an_hour()
    assert relay_refused(coturn, *in_an_hour(secret="a guess")) == 401
    assert relay_refused(coturn, *in_an_hour(secret="")) == 401
    assert relay_refused(coturn, username, "") == 401
    assert relay_refused(coturn, username, password.swapcase()) == 401


def test_a_username_that_was_altered_is_refused(coturn):
    now = int(time.time())
    _, password = credentials(SECRET, 7, now + HOUR_S)
    for username in (f"{now + 9 * HOUR_S}:7", f"{now + HOUR_S}:8", f"{now + HOUR_S}:", f"{now + HOUR_S}", "7"):
        assert relay_refused(coturn, username, password) == 401, username


def test_no_name_without_an_end_is_accepted(coturn):
    for username in ("7", ":7", "0:7", "never:7"):
        assert relay_refused(coturn, username, password_of(SECRET, username)) == 401, username


def test_a_relay_outlives_its_credentials(coturn):
    with coturn.client() as client:
        short = credentials(SECRET, 7, int(time.time()) + 2)
        relay = client.allocate(*short)
        time.sleep(3.1)
        assert relay_refused(coturn, *short) == 401
        assert client.refresh(600) == 600
        echo_through_relay(client, relay)


def test_without_a_secret_everyone_is_refused(coturns):
    server = coturns()
    for secret in ("", "CHANGE-ME"):
        assert relay_refused(server, *in_an_hour(secret)) == 401


def test_two_secrets_in_the_file_are_both_accepted(coturns):
    server = coturns("old", "new")
    relay_made(server, *in_an_hour("old"))
    relay_made(server, *in_an_hour("new"))
    server.restart(["new"])
    assert relay_refused(server, *in_an_hour("old")) == 401
    relay_made(server, *in_an_hour("new"))


def test_a_secret_in_the_database_counts_at_once(coturns):
    server = coturns("old")
    assert relay_refused(server, *in_an_hour("new")) == 401
    server.admin("-r", "example.org", "-s", "new")
    relay_made(server, *in_an_hour("new"))
    relay_made(server, *in_an_hour("old"))
    server.admin("-r", "example.org", "-X", "new")
    assert relay_refused(server, *in_an_hour("new")) == 401


PRIVATE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.254", "192.0.0.8",
    "192.168.1.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "255.255.255.255",
]  # fmt: skip


def test_nothing_private_is_a_peer(coturns):
    """Nothing is sent there: it is permission to send that is refused."""
    server = coturns(SECRET, loopback_peers=False)
    with server.client() as client:
        client.allocate(*in_an_hour())
        for host in PRIVATE:
            with pytest.raises(TurnError) as refused:
                client.permit((host, 9))
            assert refused.value.code == 403, host


def test_relays_are_counted_by_user_whatever_credentials_they_use(coturns):
    server = coturns(SECRET, user_quota=2)
    now = int(time.time())
    clients = [server.client() for _ in range(4)]
    for number, client in enumerate(clients[:2]):
        client.allocate(*credentials(SECRET, 7, now + HOUR_S + number))
    with pytest.raises(TurnError) as refused:
        clients[2].allocate(*credentials(SECRET, 7, now + HOUR_S + 2))
    assert refused.value.code == 486
    clients[3].allocate(*credentials(SECRET, 8, now + HOUR_S))
    for client in clients:
        client.socket.close()


def test_secrets_and_passwords_are_not_logged(coturns):
    server = coturns("Sesame-open", verbose="")
    good, bad = in_an_hour("Sesame-open"), in_an_hour("Sesame-shut")
    relay_made(server, *good)
    assert relay_refused(server, *bad) == 401
    log = server.log_text()
    assert bad[0] in log
    for private in ("Sesame", good[1], bad[1]):
        assert private not in log


# What the daemon issues


def test_the_daemon_issues_credentials_that_coturn_accepts(coturn, issuer):
    urls = [coturn.url + "tcp", "stun:stun.example.org:3478", "eu " + coturn.url + "udp"]
    _, alice = issuer(coturn, servers=urls, ttl_s=HOUR_S)
    told = alice.request(getIceServers={})
    assert abs(int(told["expiresMs"]) / 1000 - time.time() - HOUR_S) < 60
    by_url = {url: server for server in told["servers"] for url in server["urls"]}
    assert set(by_url) == {coturn.url + "udp", coturn.url + "tcp", "stun:stun.example.org:3478"}
    for transport in ("udp", "tcp"):
        server = by_url[coturn.url + transport]
        assert server["username"] == f"{int(told['expiresMs']) // 1000}:{alice.device.user_id}"
        with coturn.client(transport) as client:
            echo_through_relay(client, client.allocate(server["username"], server["credential"]))
            client.refresh(0)
    stun = by_url["stun:stun.example.org:3478"]
    assert "username" not in stun and "credential" not in stun
    in_europe = alice.request(getIceServers={"region": "eu"})["servers"][0]
    assert (in_europe["region"], in_europe["urls"]) == ("eu", [coturn.url + "udp"])


def test_issued_credentials_end(coturn, issuer):
    (faketime,) = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    two_hours_ago = {"LD_PRELOAD": faketime, "FAKETIME": "-2h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    _, alice = issuer(coturn, environment=two_hours_ago, ttl_s=HOUR_S)
    assert relay_refused(coturn, *issued(alice)) == 401


def test_issued_credentials_cannot_be_altered(coturn, issuer):
    _, alice = issuer(coturn)
    username, password = issued(alice)
    end, _, user = username.partition(":")
    for altered in (f"{int(end) + 1}:{user}", f"{end}:{int(user) ^ 1}"):
        assert relay_refused(coturn, altered, password) == 401
    relay_made(coturn, username, password)


def test_the_secret_changes_without_a_gap(coturns, daemons, crowd, tmp_path):
    """As config/coturn.conf.example has it: coturn learns the new one, the daemon uses it, coturn forgets the old."""
    old, new = "the old shared secret", "the new shared secret"
    server = coturns(old)
    daemon = daemons()
    daemon.config_file = tmp_path / "godwit.json"
    turn = {"servers": [server.url + "udp"], "secret": old}
    daemon.config_file.write_text(json.dumps({"turn": turn}))
    alice = crowd.new(daemon.start())
    before = issued(alice)
    relay_made(server, *before)

    server.admin("-r", "example.org", "-s", new)
    relay_made(server, *issued(alice))
    daemon.config_file.write_text(json.dumps({"turn": {**turn, "secret": new}}))
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("reloaded")
    after = issued(alice)
    assert password_of(new, after[0]) == after[1]
    relay_made(server, *before)
    relay_made(server, *after)

    server.restart([])
    assert relay_refused(server, *before) == 401
    relay_made(server, *after)


def test_credentials_asked_for_in_a_loop_are_limited_by_user(coturn, issuer, crowd):
    daemon, alice = issuer(coturn, credentials_per_day=5)
    for _ in range(5):
        issued(alice)
    refused = alice.error_of(getIceServers={})
    assert refused.code == "rate_limited" and refused.retry_after_ms > 0
    issued(crowd.new(daemon))


def test_without_servers_there_are_no_credentials(people):
    with pytest.raises(ServerError, match="ice_unavailable"):
        people.new().request(getIceServers={})
