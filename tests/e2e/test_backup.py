"""A backup made while the daemon runs holds what was acknowledged, and a daemon starts from it."""

import json
import shutil
import threading

import pytest
from godwit_e2e.client import ServerError


def make_backup(daemon, name):
    status, body, _ = daemon.http("/v1/backups", method="POST", body={"name": name})
    assert status == 201, body
    return json.loads(body)["directory"]


def start_from(daemons, backup):
    copy = daemons()
    copy.data_dir.mkdir(parents=True)
    shutil.copytree(backup, copy.data_dir / "store")
    return copy.start()


def test_copy_has_what_was_acknowledged_before_the_backup(daemon, daemons, crowd):
    alice, bob = crowd.pair(daemon)
    carol = crowd.new(daemon)
    before = [b"before %d" % i for i in range(100)]
    alice.send_many(bob.device, before)
    alice.block(carol.device)

    stop = threading.Event()
    during = []

    def keep_sending():
        while not stop.is_set():
            during.append(carol.send(bob.device, b"during"))

    sending = threading.Thread(target=keep_sending)
    sending.start()
    try:
        backup = make_backup(daemon, "nightly-1")
    finally:
        stop.set()
        sending.join()
    assert during, "nothing was sent meanwhile"

    copy = start_from(daemons, backup)
    # The copy has keys of its own: devices come back by a signature.
    bob_there = crowd.login_by_refresh(bob.device, copy)
    history, end, _ = bob_there.history(alice.device, after="0", limit=200)
    assert [e.payload for e in history] == before and end == 100
    total = int(bob_there.welcome["inboxEnd"])
    assert [e.seq for e in bob_there.receive_all(total)] == list(range(1, total + 1))

    # Both go their own way.
    alice_there = crowd.login_by_refresh(alice.device, copy)
    assert alice_there.send(bob.device, b"there") == 101
    carol_there = crowd.login_by_refresh(carol.device, copy)
    carol_there.send(alice.device, b"unseen")
    bob_there.send(alice.device, b"seen")
    assert [e.payload for e in alice_there.receive()] == [b"seen"], "the block is in the copy"
    assert alice.send(bob.device, b"here") == 101


def test_client_that_is_ahead_of_a_restored_server_is_told(daemon, daemons, crowd):
    alice, bob = crowd.pair(daemon)
    alice.send(bob.device, b"in the backup")
    backup = make_backup(daemon, "early")
    alice.send(bob.device, b"not in the backup")
    copy = start_from(daemons, backup)
    client = crowd.connect(copy)
    client.refresh(bob.device)
    with pytest.raises(ServerError, match="cursor_ahead"):
        client.hello(bob.device, cursor=2)
    client.hello(bob.device)
    assert [e.payload for e in client.receive()] == [b"in the backup"]


def test_restored_server_is_another_incarnation_and_a_restarted_one_is_not(daemon, daemons, crowd):
    alice = crowd.new(daemon)
    backup = make_backup(daemon, "told")
    incarnation = alice.welcome["incarnation"]
    assert int(incarnation) > 0
    daemon.restart()
    assert crowd.login(alice.device, daemon).welcome["incarnation"] == incarnation
    assert crowd.login_by_refresh(alice.device, start_from(daemons, backup)).welcome["incarnation"] != incarnation


def test_name_that_exists_or_leads_elsewhere_is_refused(daemon):
    make_backup(daemon, "once")
    assert daemon.http("/v1/backups", method="POST", body={"name": "once"})[0] == 409
    for name in ("", "../out", "a/b", ".hidden", "x" * 65, 7, None):
        assert daemon.http("/v1/backups", method="POST", body={"name": name})[0] == 400
    assert daemon.http("/v1/backups", method="POST", body=[])[0] == 400
