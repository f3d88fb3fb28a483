"""Loss is told, never hidden: entries beyond inbox.max_entries go, and delivery waits for AckGap."""

import pytest
from godwit_e2e.client import is_quiet

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize("where", ["tail", "store", "after kill"])
def test_gap_is_told_and_delivery_waits_for_ack_gap(daemons, crowd, where):
    settings = {"inbox.max_entries": 100}
    if where == "store":
        settings["journal.checkpoint_interval_ms"] = 100
    daemon = daemons(settings).start()
    alice = crowd.new(daemon)
    bob = daemon.register()
    alice.send_many(bob, [b"%d" % i for i in range(1, 151)])
    if where == "store":
        daemon.stop()
        daemon.start()
    if where == "after kill":
        daemon.restart()

    client = crowd.login(bob, daemon)
    gap = client.wait_push("gap")
    assert gap == {"from": "1", "to": "50"}
    assert client.take_pushes("deliver") == [] and is_quiet(client, 0.3)
    assert client.error_of(ackGap={"to": "49"}).code == "invalid_argument"
    client.request(ackGap={"to": "50"})
    assert [e.seq for e in client.receive_all(100)] == list(range(51, 151))
    assert client.wait_caught_up() == 150
    # What the inbox lost, the chat's log still has.
    lost, _, _ = client.history(alice.device, after="0", limit=50)
    assert [e.payload for e in lost] == [b"%d" % i for i in range(1, 51)]


def test_gap_is_told_again_until_it_is_acknowledged(daemons, crowd):
    daemon = daemons({"inbox.max_entries": 100}).start()
    alice = crowd.new(daemon)
    bob = daemon.register()
    alice.send_many(bob, [b"%d" % i for i in range(1, 111)])
    with daemon.login(bob) as first:
        assert first.wait_push("gap") == {"from": "1", "to": "10"}
    with daemon.login(bob) as second:
        assert second.wait_push("gap") == {"from": "1", "to": "10"}
        second.request(ackGap={"to": "10"})
    with daemon.login(bob) as third:
        assert [e.seq for e in third.receive_all(100)] == list(range(11, 111))


def test_ack_gap_without_a_gap_is_refused(people):
    assert people.new().error_of(ackGap={"to": "1"}).code == "invalid_argument"
