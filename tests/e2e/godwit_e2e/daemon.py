"""The daemon as a child process: start, stop, kill, logs, metrics, HTTP."""

import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

from .client import Client
from .identity import Device

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
NIGHTLY = os.environ.get("GODWIT_NIGHTLY") == "1"
START_S = 60.0
PR_SET_PDEATHSIG = 1

# What differs from the defaults in every test: small files, no limit on what one address registers or what is
# posted to a group.
TEST_SETTINGS = {
    "net.listen": "127.0.0.1:0",
    "admin.listen": "127.0.0.1:0",
    "log.format": "json",
    "journal.segment_bytes": 8 << 20,
    "storage.min_free_bytes": 0,
    "limits.address_registrations_per_hour": 0,
    "chat.group_messages_per_s": 0,
    "chat.group_sender_messages_per_s": 0,
    "server.reconnect_after_ms": 10,
    "server.reconnect_jitter_ms": 10,
}


def program(name, variable, *fallbacks):
    """The path of one of our programs: by the environment, else the release build's, else None."""
    chosen = os.environ.get(variable)
    candidates = [chosen] if chosen else [REPOSITORY / "build/release/bin" / name, *fallbacks]
    return next((str(path) for path in candidates if os.access(path, os.X_OK)), None)


def godwit_binary():
    path = program("godwit", "GODWIT_BIN")
    assert path, "the daemon is not built; build it or set GODWIT_BIN"
    return path


def clean_environment(**more):
    # GODWIT_* are options of the daemon; ours select programs.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GODWIT_")}
    return {**kept, **more}


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(condition, timeout=20.0, what="the condition"):
    """The first true value of `condition`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        time.sleep(0.02)


class Daemon:
    """One data directory and the process that serves it, over any number of restarts."""

    def __init__(self, folder, settings=None, wrapper=(), environment=None):
        self.folder = pathlib.Path(folder)
        self.data_dir = self.folder / "data"
        self.log_path = self.folder / "godwit.log"
        self.settings = {**TEST_SETTINGS, "server.data_dir": str(self.data_dir), **(settings or {})}
        self.config_file = None
        self.wrapper = list(wrapper)
        self.environment = dict(environment or {})
        self.process = None
        self.client_port = self.admin_port = 0
        self._log_start = 0

    # Life cycle

    def command(self, *flags):
        command = [*self.wrapper, godwit_binary()]
        if self.config_file:
            command += ["--config", str(self.config_file)]
        for name, value in self.settings.items():
            text = json.dumps(value) if isinstance(value, (bool, list)) else str(value)
            command += ["--set", f"{name}={text}"]
        return command + list(flags)

    def spawn(self):
        assert self.process is None, "it runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(**self.environment),
                preexec_fn=die_with_parent,
            )
        return self

    def start(self):
        self.spawn()
        started = self.wait_log("started", timeout=START_S)
        self.client_port, self.admin_port = started["client_port"], started["admin_port"]
        return self

    def start_refused(self):
        """Starts what must not come up; returns (exit code, everything it said)."""
        self.spawn()
        wait_until(lambda: not self.running() or '"started"' in self.log_text(), START_S, "the refusal")
        assert not self.running(), f"it starts:\n{self.log_text()}"
        return self.wait_exit(), self.log_text()

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, timeout=30.0):
        code = self.process.wait(timeout)
        self.process = None
        return code

    def stop(self, timeout=30.0):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def kill(self):
        """SIGKILL, if it runs."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait(30)
        self.process = None

    def restart(self):
        """kill -9, then start on the same data."""
        self.kill()
        return self.start()

    # Log

    def log_text(self, all_starts=False):
        """What was logged since the last start."""
        data = self.log_path.read_bytes() if self.log_path.exists() else b""
        return data[0 if all_starts else self._log_start :].decode(errors="replace")

    def log_lines(self):
        lines = []
        for line in self.log_text().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n"):
                lines.append(json.loads(line))
        return lines

    def wait_log(self, event, timeout=20.0, **fields):
        def found():
            for line in self.log_lines():
                if line["msg"] == event and all(line.get(name) == value for name, value in fields.items()):
                    return line
            if not self.running():
                raise AssertionError(f"the daemon ended before it logged {event}:\n{self.log_text()[-4000:]}")
            return None

        return wait_until(found, timeout, f"the log line {event}")

    # HTTP

    def http(
        self,
        path,
        *,
        method="GET",
        body=None,
        token=None,
        port=None,
        scheme="http",
        context=None,
        timeout=20.0,
    ):
        """(status, body bytes, headers) on the admin port, or on another."""
        request = urllib.request.Request(
            f"{scheme}://localhost:{port or self.admin_port}{path}", method=method
        )
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=context) as response:
                return response.status, response.read(), response.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def metrics_text(self):
        status, body, _ = self.http("/metrics", token=self.settings.get("admin.token"))
        assert status == 200
        return body.decode()

    def metric(self, name, **labels):
        """The sum over all series of this name with these labels; 0 when there is none."""
        total = 0.0
        for line in self.metrics_text().splitlines():
            match = re.match(rf"{re.escape(name)}(?:\{{(.*)\}})? (\S+)", line)
            if match and all(f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()):
                total += float(match[2])
        return total

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def checkpoint(self):
        """Moves everything acknowledged up to now from the journal's tail into the store: a backup does."""
        name = f"checkpoint-{time.monotonic_ns()}"
        status, body, _ = self.http(
            "/v1/backups", method="POST", body={"name": name}, token=self.settings.get("admin.token")
        )
        assert status == 201, body
        shutil.rmtree(json.loads(body)["directory"])

    def compact(self):
        """Checkpoint, then compaction of the whole store: what was removed leaves the disk."""
        self.checkpoint()
        status, body, _ = self.http(
            "/v1/compactions", method="POST", body={}, token=self.settings.get("admin.token")
        )
        assert 200 <= status < 300, f"{status} {body}"

    def files_with(self, data):
        """The files of the data directory that contain these bytes."""
        found = []
        for path in self.data_dir.rglob("*"):
            try:
                if path.is_file() and data in path.read_bytes():
                    found.append(path)
            except FileNotFoundError:  # removed meanwhile
                pass
        return found

    # Clients

    def connect(self, **options):
        return Client(self.client_port, **options)

    def register_many(self, count):
        """As register, over few connections, which is much quicker."""
        devices = []
        while len(devices) < count:
            with self.connect() as client:  # each may send 1,000 requests at once
                devices += [client.register() for _ in range(min(count - len(devices), 900))]
        return devices

    def register(self, handle=None, **options):
        """A new account with one device, not connected."""
        with self.connect(**options) as client:
            return client.register(handle)

    def login(self, device, *, connection=None, **hello):
        client = self.connect(**(connection or {}))
        try:
            client.hello(device, **hello)
        except BaseException:
            client.close()
            raise
        return client

    def link(self, approver):
        """A further device of the account that `approver`, a live connection, is of."""
        new = Device(handle=approver.device.handle)
        with self.connect() as client:
            link_id = client.link_begin(new)
            approver.request(linkApprove=approver.approve_body(link_id, new.public_key))
            linked = client.wait_push("linked")
        new.user_id, new.device_id, new.token = int(linked["userId"]), linked["deviceId"], linked["token"]
        return new
