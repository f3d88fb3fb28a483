"""A journal whose last write was torn: the daemon starts, says so, and loses nothing acknowledged."""

import os

import pytest
from godwit_e2e.daemon import wait_until

# No checkpoint, so that the journal alone holds everything.
JOURNAL_ONLY = {"journal.checkpoint_interval_ms": 600_000}
PAGE = 4096
BLOCK_MAGIC = b"GWJB"


def segments(daemon):
    return sorted((daemon.data_dir / "journal").glob("journal-*.log"))


def newest_segment(daemon):
    return segments(daemon)[-1]


def end_of_blocks(path):
    """The offset behind the last byte that is not zero, and that of the last block's magic."""
    data = path.read_bytes()
    return len(data.rstrip(b"\0")), data.rindex(BLOCK_MAGIC)


def acknowledged_messages(daemon, crowd, count):
    alice = crowd.new(daemon)
    bob = daemon.register()
    payloads = [b"message %d" % i for i in range(count)]
    for payload in payloads:
        alice.send(bob, payload)
    alice.close()
    wait_until(lambda: segments(daemon), what="the segment's final name, which it has soon after its first block")
    return alice.device, bob, payloads


def add_garbage(path):
    end, _ = end_of_blocks(path)
    with open(path, "r+b") as file:
        file.seek(end)
        file.write(os.urandom(300))


def add_torn_block(path):
    """The beginning of a copy of the last block, as if the power failed while the next one was written."""
    end, magic = end_of_blocks(path)
    with open(path, "r+b") as file:
        data = file.read()
        file.seek(end)
        file.write(data[magic - 8 : magic + 20])


def cut_off_the_unused_end(path):
    end, _ = end_of_blocks(path)
    os.truncate(path, end + 1)


@pytest.mark.parametrize(
    "damage", [add_garbage, add_torn_block, cut_off_the_unused_end], ids=lambda f: f.__name__
)
def test_damage_behind_the_last_block_loses_nothing(daemons, crowd, damage):
    daemon = daemons(JOURNAL_ONLY).start()
    alice, bob, payloads = acknowledged_messages(daemon, crowd, 40)
    daemon.kill()
    damage(newest_segment(daemon))
    daemon.start()
    if damage is not cut_off_the_unused_end:  # of which nothing can be seen
        assert daemon.wait_log("journal_tail_repaired")["path"] == str(newest_segment(daemon))
    client = crowd.login(bob, daemon)
    assert [e.payload for e in client.receive_all(40)] == payloads

    # It goes on from there, also over another crash.
    sender = crowd.login(alice, daemon)
    assert sender.send(bob, b"after the repair") == 41
    daemon.restart()
    again = crowd.login(bob, daemon, cursor=40)
    assert [(e.seq, e.payload) for e in again.receive()] == [(41, b"after the repair")]


def test_last_block_torn_takes_that_block_alone_and_is_told(daemons, crowd):
    """A disk that lied about its last sync: what it lost is gone, and everything before it is there, once."""
    daemon = daemons(JOURNAL_ONLY).start()
    alice, bob, payloads = acknowledged_messages(daemon, crowd, 40)
    daemon.kill()
    path = newest_segment(daemon)
    end, magic = end_of_blocks(path)
    with open(path, "r+b") as file:
        file.seek(magic + 12)
        file.write(bytes(end - magic - 12))
    daemon.start()
    daemon.wait_log("journal_tail_repaired")
    client = crowd.login(bob, daemon)
    kept = client.receive_all(int(client.welcome["inboxEnd"]))
    assert len(kept) >= 39 and [e.payload for e in kept] == payloads[: len(kept)]


def test_damage_in_the_middle_is_refused(daemons, crowd):
    """Whole records follow: this is no torn tail, and starting would hide a loss."""
    daemon = daemons(JOURNAL_ONLY).start()
    acknowledged_messages(daemon, crowd, 40)
    daemon.kill()
    path = newest_segment(daemon)
    data = path.read_bytes()
    middle = data.index(BLOCK_MAGIC, data.rindex(BLOCK_MAGIC) // 2)
    with open(path, "r+b") as file:
        file.seek(middle + 30)
        file.write(b"\xff\xff\xff\xff")
    code, said = daemon.start_refused()
    assert code == 1 and "is damaged at byte" in said and str(path) in said


def test_damaged_token_keys_are_told(daemons):
    daemon = daemons().start()
    daemon.stop()
    (daemon.data_dir / "token-keys.json").write_text("{")
    code, said = daemon.start_refused()
    assert code == 1 and "token-keys.json" in said
