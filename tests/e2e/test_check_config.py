"""Configurations that make no sense are refused with all their faults at once, and exit code 78."""

import json
import subprocess

import pytest
from godwit_e2e.daemon import REPOSITORY, clean_environment, godwit_binary


def run(*flags, **environment):
    done = subprocess.run(
        [godwit_binary(), *flags],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(**environment),
    )
    return done.returncode, done.stdout, done.stderr


def check(*settings, **environment):
    flags = [flag for setting in settings for flag in ("--set", setting)]
    return run("--check-config", *flags, **environment)


def test_defaults_are_valid():
    assert check() == (0, "the configuration is valid\n", "")


def test_all_faults_are_listed_at_once():
    code, out, err = check(
        "net.max_frame_bytes=many", "session.window_envelopes=0", "storage.partitions=3",
        "net.max_conections=5", "account.registration=perhaps", "net.tls_key=key.pem",
    )  # fmt: skip
    assert (code, out) == (78, "")
    for name in (
        "net.max_frame_bytes",
        "session.window_envelopes",
        "net.max_conections",
        "account.registration",
    ):
        assert name in err, err
    assert "net.max_connections" in err, "a name that is nearly right is suggested"
    assert len(err.splitlines()) >= 4


def test_contradictions_are_listed_with_a_sentence():
    code, _, err = check("storage.partitions=3", "net.tls_key=key.pem", "session.keepalive_min_s=500")
    assert code == 78
    for name in ("storage.partitions", "net.tls_certificate", "session.keepalive_min_s"):
        assert name in err, err


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (["net.listen=0.0.0.0:0"], ["net.listen", "allow_plaintext"]),
        (["admin.listen=0.0.0.0:0"], ["admin.listen", "admin.token"]),
        (["admin.listen=0.0.0.0:0", "admin.token=short"], ["admin.token"]),
        (["net.proxy_protocol=true"], ["net.trusted_proxies"]),
        (["account.registration=verified"], ["account.verify_webhook_url"]),
        (["auth.oidc_issuer=https://issuer.example"], ["auth.oidc_audience"]),
        (["net.max_frame_bytes=65536"], ["net.max_frame_bytes", "chat.max_commit_bytes"]),
    ],
    ids=lambda value: value[0],
)
def test_dangerous_combination_is_refused(settings, names):
    code, _, err = check(*settings)
    assert code == 78
    assert all(name in err for name in names), err


def test_fault_keeps_the_server_from_starting(daemons):
    daemon = daemons({"session.window_envelopes": 0})
    code, said = daemon.start_refused()
    assert code == 78 and "session.window_envelopes" in said
    assert not daemon.data_dir.exists()


def test_file_environment_and_flags_in_this_order(tmp_path):
    config = tmp_path / "godwit.json"
    options = {
        "session": {"window_envelopes": 1},
        "chat": {"history_page_max": 2},
        "account": {"max_devices": 3},
    }
    config.write_text("// comments are allowed\n" + json.dumps(options))
    flags = ["--print-config", "--config", str(config), "--set", "session.window_envelopes=9"]
    environment = {"GODWIT_SESSION_WINDOW_ENVELOPES": "8", "GODWIT_CHAT_HISTORY_PAGE_MAX": "7"}
    code, out, err = run(*flags, **environment)
    assert (code, err) == (0, "")
    for line in ("session.window_envelopes = 9", "chat.history_page_max = 7", "account.max_devices = 3"):
        assert line in out.splitlines()


def test_secrets_are_not_printed():
    _, out, _ = run("--print-config", GODWIT_ADMIN_TOKEN="a-token-of-the-operator")
    assert "admin.token" in out and "a-token-of-the-operator" not in out


def test_example_file_is_valid():
    assert run("--check-config", "--config", str(REPOSITORY / "config/godwit.json"))[0] == 0


def test_missing_file_and_unknown_flag():
    assert run("--check-config", "--config", "/no/such/file")[0] == 78
    assert run("--frobnicate")[0] == 64


def test_version():
    code, out, _ = run("--version")
    assert code == 0 and out.startswith("godwit ")
