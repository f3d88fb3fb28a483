"""Pages in a real Chromium that call one another: tests/e2e/web, driven over a pipe."""

import json
import os
import selectors
import shutil
import subprocess
import time

from .daemon import REPOSITORY, clean_environment, die_with_parent
from .identity import fresh_handle

WEB = REPOSITORY / "tests/e2e/web"
ANSWER_S = 60.0


class Browser:
    """One Chromium, whose pages talk to one daemon."""

    def __init__(self, server_port, log_path):
        chromium, node = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("node")
        assert chromium and node, "chromium or nodejs is not installed"
        assert (WEB / "node_modules/playwright-core").is_dir(), "npm install was not run in tests/e2e/web"
        self.log_path = log_path
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                [node, str(WEB / "driver.mjs"), chromium, str(server_port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=clean_environment(),
                preexec_fn=die_with_parent,
            )
        os.set_blocking(self.process.stdout.fileno(), False)
        self.received = b""

    def do(self, what, page=None, *args):
        """The value that the driver answers; fails when it answers an error, or not at all."""
        line = json.dumps({"do": what, "page": page, "args": args}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        answer = json.loads(self._line())
        assert "error" not in answer, f"{what}: {answer['error']}\n{self.log_path.read_text()[-2000:]}"
        return answer["value"]

    def phone(self, policy="all"):
        """A page with a fresh user. `policy` is RTCConfiguration.iceTransportPolicy."""
        return Phone(self, self.do("open"), policy)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)

    def _line(self):
        deadline = time.monotonic() + ANSWER_S
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.received:
                left = deadline - time.monotonic()
                assert left > 0, f"no answer within {ANSWER_S} s\n{self.log_path.read_text()[-2000:]}"
                if ready.select(left):
                    more = os.read(self.process.stdout.fileno(), 1 << 16)
                    assert more, f"the driver ended\n{self.log_path.read_text()[-2000:]}"
                    self.received += more
        line, _, self.received = self.received.partition(b"\n")
        return line


class Phone:
    """A user in a page: the methods of Phone in tests/e2e/web/phone.js, and waits for what they lead to."""

    def __init__(self, browser, page, policy):
        self.browser, self.page = browser, page
        self.user_id = int(self.do("start", fresh_handle(), policy))

    def do(self, what, *args):
        return self.browser.do(what, self.page, *args)

    def place(self, callee):
        return self.do("place", str(callee.user_id))

    def wait_state(self, matches, what, timeout=30.0):
        """The first state that matches, as Call.state in tests/e2e/web/call.js tells it."""
        deadline = time.monotonic() + timeout
        while True:
            state = self.do("state")
            if matches(state):
                return state
            assert time.monotonic() < deadline, f"{what}: {state}\n{self.events()}"
            time.sleep(0.1)

    def wait_media(self):
        """Waits until sound and pictures arrive, and then until more of both has arrived."""
        first = self.wait_state(lambda now: now["connection"] == "connected" and now["received"], "no media")
        return self.wait_state(
            lambda now: all(now["received"][kind] > first["received"][kind] + 1000 for kind in ("audio", "video")),
            f"no more media than {first['received']}",
        )

    def events(self, kind=None, **fields):
        events = self.do("events")
        failed = [event for event in events if "failed" in event]
        assert not failed, failed
        wanted = {**({"kind": kind} if kind else {}), **fields}
        return [event for event in events if all(event.get(name) == value for name, value in wanted.items())]

    def wait_event(self, kind, timeout=20.0, **fields):
        deadline = time.monotonic() + timeout
        while True:
            found = self.events(kind, **fields)
            if found:
                return found[0]
            assert time.monotonic() < deadline, f"no {kind} with {fields} in {self.events()}"
            time.sleep(0.05)
