"""The admin port wants its token for all but health and readiness; the client port has none of it."""

import json

import pytest
from godwit_e2e.client import Client
from godwit_e2e.daemon import Daemon
from godwit_e2e.websocket import UpgradeRefused

TOKEN = "a-token-of-sufficient-length"
GUARDED = [("GET", "/metrics"), ("POST", "/v1/invites"), ("POST", "/v1/backups"), ("POST", "/v1/compactions"),
           ("POST", "/v1/accounts/find"), ("POST", "/v1/accounts/sign-out"), ("POST", "/v1/accounts/delete"),
           ("POST", "/v1/traces"), ("PUT", "/v1/log-level")]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("guarded"), {"admin.token": TOKEN}).start()
    yield daemon
    daemon.kill()


@pytest.mark.parametrize(("method", "path"), [*GUARDED, ("POST", "/v1/drain")])
@pytest.mark.parametrize("token", [None, "wrong", TOKEN[:-1], TOKEN + "x"])
def test_without_the_token_it_is_401(guarded, method, path, token):
    status, body, _ = guarded.http(path, method=method, body={}, token=token)
    assert status == 401 and json.loads(body)["error"]
    assert guarded.running()


def test_with_the_token_it_is_served(guarded):
    assert guarded.http("/metrics", token=TOKEN)[0] == 200
    assert guarded.http("/v1/invites", method="POST", body={}, token=TOKEN)[0] == 201


def test_health_and_readiness_are_open(guarded):
    for port in (guarded.admin_port, guarded.client_port):
        assert guarded.http("/health", port=port)[:2] == (200, b"ok\n")
        assert guarded.http("/ready", port=port)[:2] == (200, b"ready\n")


def test_token_is_not_logged(guarded):
    guarded.http("/metrics", token=TOKEN)
    assert TOKEN not in guarded.log_text(all_starts=True)


def test_unknown_path_and_wrong_method(guarded):
    assert guarded.http("/nothing", token=TOKEN)[0] == 404
    status, _, headers = guarded.http("/metrics", method="POST", body={}, token=TOKEN)
    assert status == 405 and headers["Allow"]


@pytest.mark.parametrize(("method", "path"), [*GUARDED, ("POST", "/v1/drain")])
def test_client_port_has_no_admin_routes(guarded, method, path):
    assert guarded.http(path, method=method, body={}, token=TOKEN, port=guarded.client_port)[0] in (404, 405)


def test_admin_port_speaks_no_websocket(guarded, crowd):
    with pytest.raises(UpgradeRefused) as refused:
        Client(guarded.admin_port)
    assert refused.value.status == 404


def test_front_page_and_endpoints_of_the_client_port(shared):
    status, body, _ = shared.http("/", port=shared.client_port)
    assert status == 200 and b"/v1/ws" in body
