"""A revoked device is closed at once and stays out; its queue is dropped."""

import pytest
from godwit_e2e.client import ServerError

pytestmark = pytest.mark.smoke


def test_revoked_device_is_closed_with_4202_and_refused(people, shared):
    alice = people.new()
    laptop = people.login(shared.link(alice))
    alice.revoke(2)
    assert laptop.wait_closed().code == 4202
    assert [d["deviceId"] for d in alice.devices()] == [1]
    again = people.connect()
    with pytest.raises(ServerError, match="device_revoked"):
        again.hello(laptop.device)
    with pytest.raises(ServerError, match="proof_invalid"):
        again.refresh(laptop.device)


def test_queue_of_a_revoked_device_holds_nothing_back(daemons, crowd):
    # The absent device's cursor would keep these entries; with it gone they are acknowledged by all.
    daemon = daemons({"journal.checkpoint_interval_ms": 100}).start()
    alice, bob = crowd.pair(daemon)
    daemon.link(alice)
    bob.send_many(alice.device, [b"%d" % i for i in range(20)])
    alice.receive_all(20)
    alice.ack(20)
    alice.revoke(2)
    third = crowd.login(daemon.link(alice), daemon)
    assert third.device.device_id == 3, "device ids are never reused"
    assert third.wait_caught_up() == 20
    # A client that claims to have nothing is told that the entries are gone.
    third.close()
    gap = crowd.login(alice.device, daemon, cursor=0).wait_push("gap")
    assert gap == {"from": "1", "to": "20"}


def test_device_can_revoke_itself(people, shared):
    alice = people.new()
    laptop = people.login(shared.link(alice))
    laptop.start(revokeDevice={"deviceId": 2})
    assert laptop.wait_closed().code == 4202


def test_unknown_device_is_device_not_found(people):
    alice = people.new()
    assert alice.error_of(revokeDevice={"deviceId": 9}).code == "device_not_found"


def test_revocation_survives_kill(daemon, crowd):
    alice = crowd.new(daemon)
    laptop = daemon.link(alice)
    alice.revoke(2)
    daemon.restart()
    with pytest.raises(ServerError, match="device_revoked"):
        crowd.connect(daemon).hello(laptop)
