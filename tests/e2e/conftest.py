import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from godwit_e2e.fixtures import (  # noqa: E402,F401
    clock, crowd, daemon, daemon_with_clock, daemons, folk, hasty, lively, people, shared,
)  # fmt: skip


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "smoke: the path of a message end to end, quick enough for a sanitizer build"
    )
