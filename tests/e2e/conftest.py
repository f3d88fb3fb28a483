import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from godwit_e2e.fixtures import crowd, daemon, daemons, people, shared  # noqa: E402,F401


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "smoke: the path of a message end to end, quick enough for a sanitizer build"
    )
