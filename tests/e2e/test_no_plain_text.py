"""The server is blind: nothing that users write with godwit-cli is readable in its data or its logs."""

import os
import subprocess

import pytest
from godwit_e2e.daemon import clean_environment, program

PASSPHRASE = "correct horse battery staple"
MARKERS = [f"plaintext-marker-{i}-{os.urandom(6).hex()}" for i in range(20)]


@pytest.fixture
def cli(daemons, tmp_path):
    path = program("godwit-cli", "GODWIT_CLI")
    assert path, "godwit-cli is not built; build it or set GODWIT_CLI"
    daemon = daemons({"log.level": "debug", "journal.checkpoint_interval_ms": 200}).start()

    def run(profile, *words, lines=()):
        done = subprocess.run(
            [path, "--home", str(tmp_path / "profiles"), "--profile", profile, *words],
            capture_output=True, text=True, timeout=120, input="".join(line + "\n" for line in lines),
            env=clean_environment(
                GODWIT_URL=f"ws://127.0.0.1:{daemon.client_port}/v1/ws", GODWIT_PASSPHRASE=PASSPHRASE
            ),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.daemon = daemon
    return run


def files_with(folder, text):
    wanted = [text.encode(), text.encode("utf-16-le"), text.encode().hex().encode()]
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in wanted)
    ]


def test_nothing_readable_in_data_or_logs(cli):
    cli("alice", "register", "alice-of-the-cli")
    cli("bob", "register", "bob-of-the-cli")
    cli("alice", "send", "bob-of-the-cli", "--lines", lines=MARKERS[:10])
    received = cli("bob", "receive", "--count", "10")
    assert all(marker in received for marker in MARKERS[:10])
    cli("bob", "send", "alice-of-the-cli", "--lines", lines=MARKERS[10:])  # stays in the inbox

    daemon = cli.daemon
    daemon.checkpoint()
    for _ in range(2):  # what journal and store hold, then what a clean stop leaves
        for text in (*MARKERS, PASSPHRASE, "plaintext-marker"):
            assert files_with(daemon.data_dir, text) == []
            assert text not in daemon.log_text(all_starts=True)
        if daemon.running():
            assert daemon.stop() == 0
    # The search would have found them: handles are not secret, and they are there.
    assert files_with(daemon.data_dir, "alice-of-the-cli")


def test_tokens_and_payloads_are_not_logged(daemons, crowd):
    daemon = daemons({"log.level": "debug"}).start()
    alice, bob = crowd.pair(daemon)
    alice.send(bob.device, b"payload-that-must-not-be-logged")
    bob.receive()
    alice.error_of(send=alice.send_body(alice.device, b"payload-that-must-not-be-logged"))
    daemon.stop()
    log = daemon.log_text(all_starts=True)
    assert "session_live" in log
    assert "payload-that-must-not-be-logged" not in log
    for device in (alice.device, bob.device):
        assert device.token not in log and device.token.split(".")[2] not in log
