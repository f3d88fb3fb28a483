"""A data directory that cannot be used is refused at the start, with a sentence that says why."""

import subprocess


def test_locked_by_another_process(daemon, daemons, crowd):
    second = daemons({"server.data_dir": str(daemon.data_dir)})
    code, said = second.start_refused()
    assert code == 1
    assert "in use by another process" in said and str(daemon.data_dir) in said
    crowd.new(daemon).request(ping={})  # the first does not notice


def test_lock_goes_with_the_process(daemon):
    daemon.restart()


def test_under_a_file_instead_of_a_directory(daemons, tmp_path):
    (tmp_path / "file").write_text("I am a file")
    code, said = daemons({"server.data_dir": str(tmp_path / "file" / "data")}).start_refused()
    assert code == 1 and str(tmp_path / "file" / "data") in said and "cannot be made" in said
    assert (tmp_path / "file").read_text() == "I am a file"


def test_a_file_instead_of_a_directory(daemons, tmp_path):
    (tmp_path / "file").write_text("I am a file")
    code, said = daemons({"server.data_dir": str(tmp_path / "file")}).start_refused()
    assert code == 1 and str(tmp_path / "file") in said
    assert (tmp_path / "file").read_text() == "I am a file"


def test_not_writable(daemons):
    # /proc refuses new folders to root as well.
    code, said = daemons({"server.data_dir": "/proc/godwit-data"}).start_refused()
    assert code == 1 and "/proc/godwit-data" in said


def test_another_number_of_partitions_gives_way_to_the_one_found(daemons, crowd):
    daemon = daemons({"storage.partitions": 64}).start()
    alice, bob = crowd.pair(daemon)
    alice.send(bob.device, b"before")
    bob.receive(1)
    daemon.stop()
    daemon.settings["storage.partitions"] = 128
    daemon.start()
    with daemon.login(bob.device, cursor=0) as client:
        assert [e.payload for e in client.receive(1)] == [b"before"]


def test_missing_segment_of_the_journal(daemons, crowd):
    small = {
        "journal.segment_bytes": 262144,
        "chat.max_commit_bytes": 16384,
        "journal.checkpoint_bytes": 1 << 30,
        "journal.checkpoint_interval_ms": 600000,
    }
    daemon = daemons(small).start()
    alice, bob = crowd.pair(daemon)
    for _ in range(60):  # one at a time, so that they do not share a block
        alice.send(bob.device, bytes(16000))
    daemon.kill()
    segments = sorted((daemon.data_dir / "journal").glob("journal-*.log"))
    assert len(segments) > 2
    segments[1].unlink()
    code, said = daemon.start_refused()
    assert code == 1 and "a segment is missing or damaged" in said


def ldb(daemon, *command):
    arguments = ["ldb", f"--db={daemon.data_dir / 'store'}", *command]
    subprocess.run(arguments, check=True, capture_output=True, timeout=60)


def test_format_of_a_newer_program(daemons):
    daemon = daemons().start()
    daemon.stop()
    ldb(daemon, "put", "format", "999")
    code, said = daemon.start_refused()
    assert code == 1 and "storage format 999, made by a newer program" in said


def test_column_family_of_a_newer_program(daemons):
    daemon = daemons().start()
    daemon.stop()
    ldb(daemon, "create_column_family", "future")
    code, said = daemon.start_refused()
    assert code == 1 and 'a column family "future", made by a newer program' in said
