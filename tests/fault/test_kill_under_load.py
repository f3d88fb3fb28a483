"""kill -9 under load, again and again: nothing acknowledged is lost, nothing is seen twice."""

import json
import random
import subprocess
import time

import pytest
from godwit_e2e.daemon import NIGHTLY, clean_environment, die_with_parent, program, wait_until

ROUNDS = 50 if NIGHTLY else 5
# Alive between two kills, at random within: some die during recovery's first writes, some in a checkpoint.
ALIVE_S = (0.3, 3.0)
ZERO = ("lost", "duplicated", "out_of_order", "corrupt", "mismatched", "inbox_holes", "gap_entries")


@pytest.fixture
def bench():
    path = program("godwit-bench", "GODWIT_BENCH")
    assert path, "godwit-bench is not built; build it or set GODWIT_BENCH"
    return path


def start_load(bench, daemon, folder, seconds):
    command = [
        bench, "crash", "--quiet", "--url", f"ws://127.0.0.1:{daemon.client_port}/v1/ws",
        "--pairs", "20", "--rate", "500", "--both", "--warmup", "0.5", "--seconds", str(seconds),
        "--drain", "90", "--json", str(folder / "result.json"),
    ]  # fmt: skip
    with open(folder / "bench.log", "wb") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, env=clean_environment(), preexec_fn=die_with_parent
        )


def test_nothing_acknowledged_is_lost_and_nothing_doubled(daemons, bench, tmp_path):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    # Small segments and frequent checkpoints, so that kills meet every phase of both.
    small = {
        "journal.segment_bytes": 262144,
        "journal.checkpoint_interval_ms": 300,
        "chat.max_commit_bytes": 16384,
    }
    daemon = daemons(small)
    began = time.monotonic()
    daemon.start()
    start_s = time.monotonic() - began
    daemon.settings["net.listen"] = f"127.0.0.1:{daemon.client_port}"
    alive = [rng.uniform(*ALIVE_S) for _ in range(ROUNDS)]
    # The load must outlast all rounds, also on a machine that is slow to start.
    seconds_of_load = sum(alive) + ROUNDS * (1 + 3 * start_s) + 3
    load = start_load(bench, daemon, tmp_path, seconds_of_load)
    try:
        wait_until(lambda: daemon.metric("godwit_messages_accepted_total") > 0, 60, "the load")
        recovered = 0
        for seconds in alive:
            time.sleep(seconds)
            assert load.poll() is None, (tmp_path / "bench.log").read_text()
            daemon.restart()
            recovered += daemon.wait_log("started")["recovered_records"]
        assert load.wait(seconds_of_load + 180) == 0, (tmp_path / "bench.log").read_text() + daemon.log_text()
    finally:
        if load.poll() is None:
            load.kill()
            load.wait()
    result = json.loads((tmp_path / "result.json").read_text())
    assert {name: result[name] for name in ZERO} == dict.fromkeys(ZERO, 0)
    assert result["drops"] >= ROUNDS and recovered > 0, "the kills did not meet the load"
    assert result["totals"]["delivered"] > 500
