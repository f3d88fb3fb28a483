"""A storm of logins is admitted at a bounded rate; the others are told when to come back."""

import time

import pytest
from godwit_e2e.client import ServerError


def test_logins_beyond_the_burst_are_overloaded_with_a_time_to_wait(daemons, crowd):
    daemon = daemons({"server.login_rate_per_s": 2, "server.login_burst": 4, "server.workers": 1}).start()
    devices = [daemon.register() for _ in range(12)]
    clients = [crowd.connect(daemon) for _ in devices]
    waiting = []
    for client, device in zip(clients, devices, strict=True):
        try:
            client.hello(device)
        except ServerError as error:
            assert error.code == "overloaded" and error.retryable
            assert 0 < error.retry_after_ms <= 10_000
            waiting.append((client, device))
    assert len(waiting) >= 4, "the storm was not bounded"
    assert daemon.metric("godwit_logins_refused_total") == len(waiting)

    # They keep their connection, and patience is rewarded however often it takes.
    deadline = time.monotonic() + 60
    for client, device in waiting:
        while True:
            try:
                client.hello(device)
                break
            except ServerError as error:
                assert error.code == "overloaded" and time.monotonic() < deadline
                time.sleep(0.2)


def test_live_sessions_do_not_notice_the_storm(daemons, crowd):
    daemon = daemons({"server.login_rate_per_s": 1, "server.login_burst": 2, "server.workers": 1}).start()
    alice = crowd.new(daemon)
    bob = crowd.new(daemon)
    third = daemon.register()
    with pytest.raises(ServerError, match="overloaded"):
        for _ in range(5):
            crowd.connect(daemon).hello(third)
    alice.send(bob.device, b"undisturbed")
    assert bob.receive()[0].payload == b"undisturbed"
