"""The wall clock of a daemon, in the hands of the test: by libfaketime."""

import glob
import os

from .daemon import wait_until
from .identity import now_ms

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


class FakeClock:
    """The wall clock of a daemon that is given `environment`; its monotonic clock stays."""

    def __init__(self, folder):
        assert FAKETIME, "libfaketime is not installed"
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
