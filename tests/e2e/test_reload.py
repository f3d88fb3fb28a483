"""SIGHUP reads the configuration again: what may change does, anything else is refused as a whole."""

import json
import signal

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.websocket import Timeout


@pytest.fixture
def configured(daemons, tmp_path):
    """A daemon with a file; `reload(text)` replaces it and sends SIGHUP."""
    daemon = daemons()
    daemon.config_file = tmp_path / "godwit.json"
    daemon.config_file.write_text('{ "limits": { "device_requests_burst": 1000 } } // as it was')

    def reload(config):
        daemon.config_file.write_text(config if isinstance(config, str) else json.dumps(config))
        daemon.signal(signal.SIGHUP)

    daemon.reload = reload
    return daemon.start()


def test_limits_take_effect_for_open_connections(configured, crowd):
    alice = crowd.new(configured)
    for _ in range(50):
        alice.request(ping={})
    configured.reload({"limits": {"device_requests_per_s": 1, "device_requests_burst": 2}})
    line = configured.wait_log("reloaded")
    assert "limits.device_requests_burst" in line["changed"]
    with pytest.raises(ServerError, match="rate_limited"):
        for _ in range(10):
            alice.request(ping={})


def test_registration_can_be_closed(configured, crowd):
    configured.register()
    configured.reload({"account": {"registration": "closed"}})
    configured.wait_log("reloaded")
    with pytest.raises(ServerError, match="registration_closed"):
        configured.register()


def test_log_level_takes_effect(configured, crowd):
    crowd.new(configured)
    assert "session_live" not in configured.log_text()
    configured.reload({"log": {"level": "debug"}})
    configured.wait_log("reloaded")
    crowd.new(configured)
    configured.wait_log("session_live")


def test_watermark_interval_takes_effect(configured, crowd):
    configured.reload({"chat": {"watermark_interval_ms": 60000}})
    configured.wait_log("reloaded")
    alice, bob = crowd.pair(configured)
    alice.send_many(bob.device, [b"one", b"two"])
    bob.receive(2)
    bob.ack(1)
    alice.wait_watermark(bob.device, bob.device, delivered=1)
    bob.ack(2)
    with pytest.raises(Timeout):
        alice.wait_watermark(bob.device, bob.device, delivered=2, timeout=1.5)


def test_fixed_option_is_refused_as_a_whole(configured, crowd):
    alice = crowd.new(configured)
    configured.reload({"session": {"window_envelopes": 7}, "account": {"registration": "closed"}})
    fault = configured.wait_log("reload_refused")["fault"]
    assert "session.window_envelopes" in fault and "restart" in fault
    alice.request(ping={})
    assert crowd.new(configured).welcome["windowEnvelopes"] == 256  # and registration is open


@pytest.mark.parametrize(
    "config",
    ["{", {"limits": {"device_requests_burst": -1}}, {"limits": {"no_such_option": 1}}],
    ids=range(3),
)
def test_bad_file_is_refused_and_the_server_goes_on(configured, crowd, config):
    configured.reload(config)
    configured.wait_log("reload_refused")
    crowd.new(configured).request(ping={})


def test_log_level_can_be_set_by_the_admin_port(configured, crowd):
    status, body, _ = configured.http("/v1/log-level", method="PUT", body={"level": "debug"})
    assert (status, json.loads(body)) == (200, {"level": "debug"})
    crowd.new(configured)
    configured.wait_log("session_live")
    assert configured.http("/v1/log-level", method="PUT", body={"level": "loud"})[0] == 400
