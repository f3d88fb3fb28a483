"""The server's clock jumps, forth and back: order and deduplication hold, nobody is disconnected."""

import glob
import os

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.daemon import wait_until
from godwit_e2e.identity import message_id, now_ms

HOUR_S = 3600
FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


class FakeClock:
    """The wall clock of a daemon, by libfaketime; its monotonic clock stays."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.jump_to(0)
        self.environment = {
            "LD_PRELOAD": FAKETIME[0],
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
        }

    def jump_to(self, offset_s):
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset_s:+d}\n")
        os.replace(new, self.file)
        self.offset_s = offset_s

    def jump_seen_by(self, client, offset_s):
        """Jumps, and waits until the server's answers show it."""
        self.jump_to(offset_s)

        def shifted():
            told = int(client.request(ping={})["serverTimeMs"])
            return abs(told - now_ms() - offset_s * 1000) < 60_000

        wait_until(shifted, what="the jump")


@pytest.fixture
def clock(tmp_path):
    assert FAKETIME, "libfaketime is not installed"
    return FakeClock(tmp_path)


@pytest.fixture
def daemon_with_clock(daemons, clock):
    return daemons(environment=clock.environment).start()


def server_id(client):
    """A message id by the server's clock, as docs/protocol.md tells clients whose clock is off."""
    return message_id(int(client.request(ping={})["serverTimeMs"]))


@pytest.mark.parametrize("jumps", [(2 * HOUR_S, 0), (-2 * HOUR_S, 0), (48 * HOUR_S, -48 * HOUR_S)], ids=str)
def test_order_and_delivery_survive_jumps(daemon_with_clock, clock, crowd, jumps):
    daemon = daemon_with_clock
    alice, bob = crowd.pair(daemon)
    sent = []
    for offset in (0, *jumps):
        clock.jump_seen_by(alice, offset)
        for _ in range(5):
            payload = b"%d at %d" % (len(sent), offset)
            assert alice.send(bob.device, payload, server_id(alice)) == len(sent) + 1
            sent.append(payload)
    received = bob.receive_all(len(sent))
    assert [e.payload for e in received] == sent
    assert [e.chat_seq for e in received] == list(range(1, len(sent) + 1))
    bob.read(alice.device, len(sent))
    alice.wait_watermark(bob.device, bob.device, read=len(sent))
    daemon.restart()
    assert [e.payload for e in crowd.login_by_refresh(bob.device, daemon).history(alice.device)[0]] == sent


def test_time_within_a_chat_never_goes_back(daemon_with_clock, clock, crowd):
    daemon = daemon_with_clock
    alice, bob = crowd.pair(daemon)
    times = []
    for offset in (0, HOUR_S, -HOUR_S, 0):
        clock.jump_seen_by(alice, offset)
        made = int(alice.request(ping={})["serverTimeMs"])
        reply = alice.request(send=alice.send_body(bob.device, b"x", message_id(made)))
        times.append(made + int(reply.get("timeDeltaMs", 0)))
    assert times == sorted(times)


def test_resending_across_a_jump_stores_nothing_new(daemon_with_clock, clock, crowd):
    daemon = daemon_with_clock
    alice, bob = crowd.pair(daemon)
    body = alice.send_body(bob.device, b"once")
    first = alice.request(send=body)
    for offset in (24 * HOUR_S, -24 * HOUR_S):
        clock.jump_seen_by(alice, offset)
        assert alice.request(send=body) == first
    for offset in (24 * HOUR_S, 0):
        clock.jump_to(offset)
        daemon.restart()
        assert crowd.login_by_refresh(alice.device, daemon).request(send=body) == first
    assert len(crowd.login_by_refresh(bob.device, daemon).receive()) == 1


def test_token_made_before_a_jump_can_be_refreshed(daemon_with_clock, clock, crowd):
    daemon = daemon_with_clock
    alice = crowd.new(daemon)
    clock.jump_seen_by(alice, 24 * HOUR_S)
    client = crowd.connect(daemon)
    with pytest.raises(ServerError, match="token_expired"):
        client.hello(alice.device)
    client.refresh(alice.device)
    client.hello(alice.device)
    clock.jump_seen_by(client, -24 * HOUR_S)
    crowd.login_by_refresh(alice.device, daemon)
