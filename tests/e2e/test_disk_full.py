"""A full disk: sends are refused, reads go on, nothing acknowledged is lost, and space brings it back."""

import os
import resource
import subprocess

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.commits import group_info, send_commit
from godwit_e2e.daemon import wait_until
from godwit_e2e.identity import message_id
from godwit_e2e.keys import Identity, claim_body, claim_one, enroll, packages_of, publish, stock

SMALL_FILES = {
    "journal.segment_bytes": 262144,
    "journal.checkpoint_interval_ms": 300,
    "chat.max_commit_bytes": 16384,
}


class SmallDisk:
    """A disk of its own for the data, that can be filled and emptied.

    As root a tmpfs, which then really has no byte left. Others cannot mount; for them the daemon is told to
    leave free what is free now, and the ballast goes below that.
    """

    BYTES = 64 << 20
    BALLAST = 1 << 30

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.settings = {**SMALL_FILES, "storage.min_free_bytes": 0}
        self.mounted = (
            os.geteuid() == 0
            and subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={self.BYTES}", "tmpfs", str(folder)],
                capture_output=True,
            ).returncode
            == 0
        )
        if not self.mounted:
            free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
            self.settings["storage.min_free_bytes"] = free - self.BALLAST // 2

    def fill(self):
        # Unbuffered: closing must not write what there was no room for.
        with open(self.folder / "ballast", "wb", buffering=0) as file:
            if not self.mounted:
                os.posix_fallocate(file.fileno(), 0, self.BALLAST)
                return
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def empty(self):
        (self.folder / "ballast").unlink()

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.close()


def send_until_refused(client, to, limit=3000):
    """Returns the acknowledged payloads, and what was refused."""
    acknowledged = []
    for i in range(limit):
        payload, id = b"%d " % i + bytes(4000), message_id()
        try:
            client.send(to, payload, id)
            acknowledged.append(payload)
        except ServerError as error:
            assert error.code == "storage_unavailable" and error.retryable
            return acknowledged, (payload, id)
    raise AssertionError("the disk is full and everything was accepted")


def whole_history(client, peer):
    seen, more = [], True
    while more:
        page, _, more = client.history(peer, after=str(seen[-1].chat_seq if seen else 0), limit=100)
        seen += page
    return [e.payload for e in seen]


NO_LIMITS = {"limits.device_requests_per_s": 0, "limits.user_requests_per_s": 0}


def test_full_disk_refuses_writes_serves_reads_and_recovers(daemons, crowd, disk):
    daemon = daemons({**disk.settings, **NO_LIMITS}, folder=disk.folder / "daemon").start()
    daemon.log_path = disk.folder.parent / "godwit.log"
    alice, bob = crowd.pair(daemon)
    absent = daemon.register()
    alice.send(absent, b"stored before")
    alice.send(bob.device, b"before")
    disk.fill()
    acknowledged, refused = send_until_refused(alice, bob.device)
    acknowledged.insert(0, b"before")

    # Readiness turns red, liveness does not.
    status, why, _ = daemon.http("/ready")
    assert (status, why) == (503, b"the store does not accept writes\n")
    assert daemon.http("/ready", port=daemon.client_port)[0] == 503
    assert daemon.http("/health")[0] == 200
    assert daemon.metric("godwit_journal_writable") == 0
    # Other writes are refused alike.
    with pytest.raises(ServerError, match="storage_unavailable"):
        crowd.connect(daemon).register()
    assert alice.error_of(block={"userId": str(bob.device.user_id)}).code == "storage_unavailable"
    # Reads go on: delivery, history, login and catching up.
    assert [e.payload for e in bob.receive_all(len(acknowledged))] == acknowledged
    assert whole_history(bob, alice.device) == acknowledged
    assert crowd.login(absent, daemon).receive()[0].payload == b"stored before"

    disk.empty()
    wait_until(lambda: daemon.http("/ready")[0] == 200, 30, "readiness")
    payload, id = refused
    alice.send(bob.device, payload, id)
    alice.send(bob.device, b"after")
    acknowledged += [payload, b"after"]
    assert [e.payload for e in bob.receive_all(2)] == acknowledged[-2:]

    daemon.restart()
    bob = crowd.login(bob.device, daemon)
    assert whole_history(bob, alice.device) == acknowledged


def test_kill_while_the_disk_is_full_loses_nothing_acknowledged(daemons, crowd, disk):
    daemon = daemons({**disk.settings, **NO_LIMITS}, folder=disk.folder / "daemon").start()
    alice = crowd.new(daemon)
    bob = daemon.register()
    disk.fill()
    acknowledged, refused = send_until_refused(alice, bob)
    daemon.kill()
    disk.empty()
    daemon.start()
    client = crowd.login(bob, daemon)
    assert [e.payload for e in client.receive_all(len(acknowledged))] == acknowledged
    alice = crowd.login(alice.device, daemon)
    alice.send(bob, *refused)
    assert client.receive()[0].payload == refused[0]


def test_failing_write_makes_the_store_read_only_until_a_restart(daemons, crowd):
    # No file may grow beyond 128 KiB from now on, so a write into the journal's file fails half way.
    daemon = daemons({**SMALL_FILES, **NO_LIMITS}).start()
    alice, bob = crowd.pair(daemon)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (131072, resource.RLIM_INFINITY))
    acknowledged, refused = send_until_refused(alice, bob.device)
    assert daemon.http("/ready")[0] == 503
    daemon.wait_log("journal_write_failed")
    assert [e.payload for e in bob.receive_all(len(acknowledged))] == acknowledged
    # After a failed sync it cannot be known what the disk holds: no more writes, even if it seems well again.
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert alice.error_of(send=alice.send_body(bob.device, b"too soon")).code == "storage_unavailable"

    daemon.restart()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    alice.send(bob.device, *refused)
    assert whole_history(bob, alice.device) == acknowledged + [refused[0]]


def test_keys_wait_for_space_and_none_is_used_up(daemons, crowd, disk):
    daemon = daemons({**disk.settings, **NO_LIMITS}, folder=disk.folder / "daemon").start()
    daemon.log_path = disk.folder.parent / "godwit.log"
    alice, bob = crowd.pair(daemon)
    identity = enroll(alice, packages=5)
    disk.fill()
    send_until_refused(bob, alice.device)
    assert bob.error_of(claimKeys=claim_body([alice])).code == "storage_unavailable"
    assert alice.error_of(publishKeys={"keyPackages": identity.packages(1)}).code == "storage_unavailable"
    assert alice.error_of(publishKeys=Identity(alice.device).body()).code == "storage_unavailable"
    assert len(claim_one(bob, alice, key_packages=False)["devices"]) == 1, "reads go on"
    disk.empty()
    wait_until(lambda: daemon.http("/ready")[0] == 200, what="the space")
    assert stock(alice)["keyPackages"] == 5
    publish(alice, keyPackages=identity.packages(1))
    assert packages_of(claim_one(bob, alice))


def test_commit_that_the_disk_refuses_leaves_the_epoch(daemons, crowd):
    """The write fails in the middle of a commit: before and after the restart it has not happened."""
    daemon = daemons({**SMALL_FILES, **NO_LIMITS}).start()
    alice, bob = crowd.pair(daemon)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (131072, resource.RLIM_INFINITY))
    epoch = 0
    with pytest.raises(ServerError, match="storage_unavailable"):
        while epoch < 10:
            parts = {"info": b"%d" % (epoch + 1), "tree": bytes(16384), "joins": [bob], "welcome": bytes(16384)}
            send_commit(alice, bob.device, epoch, bytes(16384), **parts)
            epoch += 1
    told = group_info(bob, alice.device)
    assert (told.epoch, told.info) == (epoch, b"%d" % epoch if epoch else b"")
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    told = group_info(alice, bob.device)
    assert (told.epoch, told.info) == (epoch, b"%d" % epoch if epoch else b"")
    send_commit(alice, bob.device, epoch)
