"""Fixtures for the tests of both folders: import them in conftest.py."""

import pytest

from .clock import FakeClock
from .daemon import Daemon

# Short intervals, so that nobody waits for what is coalesced.
LIVELY = {"presence.update_interval_ms": 20, "status.view_interval_ms": 20}


@pytest.fixture
def daemons(tmp_path):
    """Makes daemons, each in a folder of its own, and ends them after the test."""
    made = []

    def make(settings=None, **options):
        folder = options.pop("folder", tmp_path / f"daemon{len(made)}")
        made.append(Daemon(folder, settings, **options))
        return made[-1]

    yield make
    for daemon in made:
        daemon.kill()


@pytest.fixture
def daemon(daemons):
    """A daemon for this test alone, running."""
    return daemons().start()


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """One running daemon for all tests that leave it as it was; every test brings users of its own."""
    daemon = Daemon(tmp_path_factory.mktemp("shared")).start()
    yield daemon
    daemon.kill()


@pytest.fixture
def people(shared):
    """Makes users on the shared daemon, and connections that are closed after the test."""
    yield from _people(shared)


@pytest.fixture
def clock(tmp_path):
    return FakeClock(tmp_path)


@pytest.fixture
def daemon_with_clock(daemons, clock):
    """A daemon for this test alone, whose wall clock is `clock`."""
    return daemons(environment=clock.environment).start()


@pytest.fixture(scope="session")
def lively(tmp_path_factory):
    """As `shared`, for presence, statuses and calls: with short intervals."""
    daemon = Daemon(tmp_path_factory.mktemp("lively"), LIVELY).start()
    yield daemon
    daemon.kill()


@pytest.fixture(scope="session")
def hasty(tmp_path_factory):
    """As `lively`, with calls that ring for a second."""
    daemon = Daemon(tmp_path_factory.mktemp("hasty"), {**LIVELY, "call.ring_s": 1}).start()
    yield daemon
    daemon.kill()


@pytest.fixture
def folk(lively):
    """As `people`, on the lively daemon."""
    yield from _people(lively)


@pytest.fixture
def crowd():
    """As `people`, for a daemon that is given at each call."""
    yield from _people(None)


class _People:
    def __init__(self, daemon):
        self.daemon = daemon
        self.open = []

    def login(self, device, daemon=None, **options):
        client = (daemon or self.daemon).login(device, **options)
        self.open.append(client)
        return client

    def login_by_refresh(self, device, daemon=None):
        """As login, with a fresh token: the old one may have expired, or its key may be gone."""
        client = self.connect(daemon)
        client.refresh(device)
        client.hello(device)
        return client

    def new(self, daemon=None, **options):
        """A fresh user, logged in; its account is `.device`."""
        daemon = daemon or self.daemon
        return self.login(daemon.register(), daemon, **options)

    def pair(self, daemon=None):
        return self.new(daemon), self.new(daemon)

    def connect(self, daemon=None, **options):
        client = (daemon or self.daemon).connect(**options)
        self.open.append(client)
        return client

    def close_all(self):
        for client in self.open:
            client.close()


def _people(daemon):
    people = _People(daemon)
    yield people
    people.close_all()
