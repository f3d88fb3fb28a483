"""The server's clock jumps, forth and back: order and deduplication hold, nobody is disconnected."""

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.identity import message_id

HOUR_S = 3600


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
