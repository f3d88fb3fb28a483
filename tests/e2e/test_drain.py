"""SIGTERM: clients are told to come back, accepted work is committed, and the process ends with 0 in time."""

import json
import signal
import time

import pytest
from godwit_e2e.daemon import wait_until
from godwit_e2e.websocket import Closed

pytestmark = pytest.mark.smoke

RECONNECT = {"server.reconnect_after_ms": 700, "server.reconnect_jitter_ms": 300}


def assert_told_to_reconnect(client):
    pushes = list(client.pushes)
    try:
        while True:
            client.read_one()
    except Closed as closed:
        assert closed.code == 4000
    pushes = list(client.pushes)
    assert "reconnect" in pushes[-1], pushes
    assert 700 <= pushes[-1]["reconnect"]["afterMs"] <= 1000


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "admin"])
def test_clients_are_told_to_reconnect_and_closed_with_4000(daemons, crowd, how):
    daemon = daemons(RECONNECT).start()
    clients = [crowd.new(daemon) for _ in range(5)] + [crowd.connect(daemon)]
    began = time.monotonic()
    if how == "admin":
        assert daemon.http("/v1/drain", method="POST")[0] == 202
    else:
        daemon.signal(getattr(signal, how))
    for client in clients:
        assert_told_to_reconnect(client)
        client.close()
    assert daemon.wait_exit() == 0
    assert time.monotonic() - began < 8


def test_drain_under_load_loses_nothing_acknowledged(daemons, crowd):
    daemon = daemons().start()
    alice = crowd.new(daemon)
    bob = daemon.register()
    requests = {}
    for i in range(300):
        payload = b"%d" % i
        requests[alice.start(send=alice.send_body(bob, payload))] = payload
    daemon.signal(signal.SIGTERM)
    acknowledged = {}
    try:
        while True:
            alice.read_one()
    except Closed as closed:
        assert closed.code == 4000
    for request, payload in requests.items():
        reply = alice.replies.get(request, {})
        if "sent" in reply:
            acknowledged[int(reply["sent"]["chatSeq"])] = payload
    alice.close()
    assert daemon.wait_exit() == 0
    daemon.start()
    client = crowd.login(bob, daemon)
    end = int(client.welcome.get("inboxEnd", 0))
    received = {e.chat_seq: e.payload for e in client.receive_all(end)} if end else {}
    assert acknowledged.items() <= received.items()
    assert sorted(received) == list(range(1, end + 1))


def test_client_that_does_not_leave_is_not_waited_for(daemons, crowd):
    daemon = daemons({"server.drain_timeout_ms": 500}).start()
    stubborn = crowd.new(daemon)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 10
    stubborn.close()


def test_nobody_connects_during_a_drain(daemons, crowd):
    daemon = daemons({"server.drain_timeout_ms": 3000}).start()
    crowd.new(daemon)  # does not read, and so keeps the drain going
    daemon.signal(signal.SIGTERM)
    daemon.wait_log("draining")

    def refused():
        try:
            crowd.connect(daemon)
        except (ConnectionRefusedError, ConnectionResetError, Closed):
            return True
        return False

    wait_until(refused)
    assert daemon.wait_exit() == 0


def test_restart_after_a_drain_replays_nothing(daemons, crowd):
    daemon = daemons().start()
    alice, bob = crowd.pair(daemon)
    alice.send_many(bob.device, [b"%d" % i for i in range(50)])
    assert daemon.stop() == 0
    assert [json.loads(line)["msg"] for line in daemon.log_text().splitlines()][-1] == "stopped"
    daemon.start()
    assert daemon.wait_log("started")["recovered_records"] == 0
    assert len(crowd.login(bob.device, daemon).receive_all(50)) == 50
