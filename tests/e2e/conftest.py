import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from godwit_e2e.fixtures import crowd, daemon, daemons, people, shared  # noqa: E402,F401
