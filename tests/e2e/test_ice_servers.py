"""STUN and TURN servers, with credentials as coturn (use-auth-secret) makes them of the same secret."""

import base64
import hashlib
import hmac
import json
import signal
import time

import pytest
from godwit_e2e.daemon import Daemon, wait_until
from godwit_e2e.groups import refused

SECRET = "correct horse battery staple"
SERVERS = [
    "stun:stun.example.org",
    "eu stun:stun.eu.example.org:3478",
    "eu turn:turn.eu.example.org:3478?transport=udp",
    "eu turns:turn.eu.example.org:5349?transport=tcp",
    "us turn:turn.us.example.org",
    "asia turn:turn.asia.example.org?transport=tcp",
]
TURN = {"turn.servers": SERVERS, "turn.secret": SECRET, "turn.ttl_s": 600}


@pytest.fixture(scope="module")
def relayed(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("relayed"), TURN).start()
    yield daemon
    daemon.kill()


@pytest.fixture
def alice(relayed, crowd):
    return crowd.new(relayed)


def ice(client, region=""):
    return client.request(getIceServers={"region": region} if region else {})


def listed(reply):
    """[(region, url)] in the order told."""
    return [(server.get("region", ""), url) for server in reply["servers"] for url in server["urls"]]


def configured(*first):
    """What the configuration says, with those of a region first."""
    pairs = [tuple(entry.split(" ")) if " " in entry else ("", entry) for entry in SERVERS]
    return sorted(pairs, key=lambda pair: pair[0] not in first)


def password(username, secret=SECRET):
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()


def turn_servers(reply):
    return [server for server in reply["servers"] if any(url.startswith("turn") for url in server["urls"])]


@pytest.mark.smoke
def test_credentials_are_what_the_secret_makes_of_the_name(alice):
    reply = ice(alice)
    assert len(turn_servers(reply)) >= 1
    for server in turn_servers(reply):
        expiry, user = server["username"].split(":")
        assert user == str(alice.device.user_id)
        assert abs(int(expiry) - time.time() - 600) < 30
        assert int(expiry) * 1000 <= int(reply["expiresMs"]) + 999
        assert abs(int(reply["expiresMs"]) - int(expiry) * 1000) < 2000
        assert server["credential"] == password(server["username"])


def test_stun_servers_have_no_credentials(alice):
    for server in ice(alice)["servers"]:
        kinds = {url.split(":")[0].rstrip("s") for url in server["urls"]}
        assert len(kinds) == 1, "those with and those without credentials are told apart"
        assert ("username" in server) == ("credential" in server) == (kinds == {"turn"})


def test_all_servers_are_told_in_the_order_of_the_configuration(alice):
    assert listed(ice(alice)) == configured()


@pytest.mark.parametrize("region", ["us", "eu", "asia"])
def test_servers_of_the_region_asked_for_come_first(alice, region):
    assert listed(ice(alice, region)) == configured(region)


def test_unknown_region_changes_nothing(alice):
    assert listed(ice(alice, "moon")) == configured()


def test_region_is_bounded(alice):
    assert listed(ice(alice, "x" * 32)) == configured()
    with refused("too_large"):
        ice(alice, "x" * 33)


def test_two_users_have_different_credentials(relayed, crowd):
    alice, bob = crowd.pair(relayed)
    names = [turn_servers(ice(client))[0] for client in (alice, bob)]
    assert names[0]["username"] != names[1]["username"]
    assert names[0]["credential"] != names[1]["credential"]


def test_secret_is_neither_told_nor_logged(relayed, alice):
    assert SECRET not in json.dumps(ice(alice)) and SECRET not in relayed.log_text(all_starts=True)


@pytest.mark.smoke
def test_without_servers_there_are_none(daemon, crowd):
    with refused("ice_unavailable"):
        ice(crowd.new(daemon))


def test_stun_alone_needs_no_secret(daemons, crowd):
    daemon = daemons({"turn.servers": ["stun:stun.example.org"]}).start()
    assert ice(crowd.new(daemon))["servers"] == [{"urls": ["stun:stun.example.org"]}]


@pytest.mark.smoke
def test_asking_in_a_loop_is_limited(daemons, crowd):
    daemon = daemons({**TURN, "turn.credentials_per_day": 5}).start()
    alice, bob = crowd.pair(daemon)
    laptop = crowd.login(daemon.link(alice), daemon)
    for _ in range(5):
        ice(alice)
    for device in (alice, laptop):
        with refused("rate_limited") as caught:
            ice(device)
        assert caught[0].retryable and caught[0].retry_after_ms > 0
    ice(bob)


# Reload


@pytest.fixture
def reloadable(daemons, tmp_path):
    """A daemon with a file; `reload(turn)` replaces its section and sends SIGHUP."""
    daemon = daemons()
    daemon.config_file = tmp_path / "godwit.json"

    def write(turn):
        daemon.config_file.write_text(json.dumps({"turn": turn}))

    def reload(turn):
        write(turn)
        daemon.signal(signal.SIGHUP)

    write({"servers": SERVERS, "secret": SECRET})
    daemon.reload = reload
    return daemon.start()


def test_new_secret_counts_after_a_reload(reloadable, crowd):
    alice = crowd.new(reloadable)
    (first, *_) = turn_servers(ice(alice))
    assert first["credential"] == password(first["username"])
    new = "another secret, at least as long"
    reloadable.reload({"servers": SERVERS, "secret": new})
    reloadable.wait_log("reloaded")
    (second, *_) = turn_servers(ice(alice))
    assert second["credential"] == password(second["username"], new)
    assert new not in reloadable.log_text()


def test_servers_and_time_can_be_changed_by_a_reload(reloadable, crowd):
    alice = crowd.new(reloadable)
    reloadable.reload({"servers": ["turn:other.example.org"], "secret": SECRET, "ttl_s": 120})
    reloadable.wait_log("reloaded")
    reply = ice(alice)
    assert listed(reply) == [("", "turn:other.example.org")]
    assert abs(int(reply["expiresMs"]) / 1000 - time.time() - 120) < 30
    reloadable.reload({})
    wait_until(lambda: "error" in alice.answer_to(getIceServers={}), what="the end of all servers")
    with refused("ice_unavailable"):
        ice(alice)


@pytest.mark.parametrize(
    "turn",
    [
        {"servers": ["http://turn.example.org"], "secret": SECRET},
        {"servers": ["turn:"], "secret": SECRET},
        {"servers": ["a b turn:turn.example.org"], "secret": SECRET},
        {"servers": ["turn:turn.example.org:99999"], "secret": SECRET},
        {"servers": ["turn:turn.example.org?transport=sctp"], "secret": SECRET},
        {"servers": ["turn:turn.example.org"]},
        {"servers": ["turn:turn.example.org"], "secret": "short"},
    ],
    ids=range(7),
)
def test_bad_configuration_is_refused(reloadable, daemons, crowd, turn):
    """At the start as well as by a reload, after which all is as it was."""
    reloadable.reload(turn)
    fault = reloadable.wait_log("reload_refused")["fault"]
    assert "turn." in fault and SECRET not in fault
    assert len(listed(ice(crowd.new(reloadable)))) == len(SERVERS)
    code, said = daemons({f"turn.{name}": value for name, value in turn.items()}).start_refused()
    assert code != 0 and "turn." in said
