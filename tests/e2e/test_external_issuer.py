"""With an OpenID Connect issuer, its tokens make accounts, add devices and authenticate."""

import json
import time

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.daemon import wait_until
from godwit_e2e.http_server import HttpServer
from godwit_e2e.identity import Device, b64url, fresh_handle
from godwit_e2e.tokens import EdDsaIssuer, Es256Issuer, Rs256Issuer, issue

AUDIENCE = "godwit-of-the-company"


class Issuer:
    """Publishes the keys in `keys`; `online` False makes it fail."""

    def __init__(self):
        self.keys = []
        self.online = True
        self.asked = 0
        self.iss = ""

    def answer(self, method, path, headers, body):
        self.asked += 1
        if not self.online or (method, path) != ("GET", "/keys"):
            return 503, b"{}"
        return 200, json.dumps({"keys": [key.jwk() for key in self.keys]}).encode()

    def token(self, key, handle, iss=None, aud=AUDIENCE, **claims):
        return issue(key, iss or self.iss, aud, **{"sub": "u-1", "preferred_username": handle, **claims})


@pytest.fixture
def issuer():
    issuer = Issuer()
    with HttpServer(issuer.answer) as server:
        issuer.iss = server.url
        yield issuer


@pytest.fixture
def settings(issuer):
    return {
        "auth.oidc_issuer": issuer.iss,
        "auth.oidc_audience": AUDIENCE,
        "auth.oidc_jwks_url": issuer.iss + "/keys",
        "auth.leeway_s": 0,
    }


@pytest.fixture
def company(daemons, issuer, settings, tmp_path):
    """A daemon that trusts one Ed25519 key of the issuer, `company.key`."""
    key = EdDsaIssuer(tmp_path)
    issuer.keys.append(key)
    daemon = daemons(settings).start()
    daemon.key = key
    wait_until(lambda: daemon.http("/ready")[0] == 200, what="the issuer's keys")
    yield daemon
    daemon.kill()


def register(client, token, device=None):
    device = client.register("", device, externalToken=token)
    assert device.token == "", "tokens come from the issuer"
    return device


def hello(client, device, token):
    return client.hello(device, token=token, deviceId=device.device_id)


def refusal(action, *arguments):
    with pytest.raises(ServerError) as refused:
        action(*arguments)
    return refused.value.code


def test_token_makes_an_account_adds_a_device_and_authenticates(company, issuer, crowd):
    handle = fresh_handle()
    token = issuer.token(company.key, handle)
    client = crowd.connect(company)
    phone = register(client, token)
    assert hello(client, phone, token)["userId"] == str(phone.user_id)

    second = crowd.connect(company)
    laptop = register(second, issuer.token(company.key, handle))
    assert (laptop.user_id, laptop.device_id) == (phone.user_id, 2)
    hello(second, laptop, token)
    other = crowd.connect(company)
    bob_token = issuer.token(company.key, fresh_handle())
    hello(other, register(other, bob_token), bob_token)
    other.send(phone, b"to both")
    assert client.receive()[0].payload == second.receive()[0].payload == b"to both"


@pytest.mark.parametrize("kind", [EdDsaIssuer, Rs256Issuer, Es256Issuer], ids=lambda kind: kind.algorithm)
def test_algorithms(daemons, issuer, settings, crowd, tmp_path, kind):
    key = kind(tmp_path)
    issuer.keys.append(key)
    daemon = daemons(settings).start()
    wait_until(lambda: daemon.http("/ready")[0] == 200, what="the issuer's keys")
    token = issuer.token(key, fresh_handle())
    client = crowd.connect(daemon)
    hello(client, register(client, token), token)
    changed = token[:-8] + ("AAAAAAAA" if token[-8:] != "AAAAAAAA" else "BBBBBBBB")
    assert refusal(register, crowd.connect(daemon), changed) == "token_invalid"


def test_wrong_tokens_are_refused(company, issuer, crowd, tmp_path):
    handle = fresh_handle()
    now = int(time.time())
    stranger = EdDsaIssuer(tmp_path)  # the same key id, another key
    wrong = {
        "issuer": issuer.token(company.key, handle, iss="https://elsewhere.example"),
        "audience": issuer.token(company.key, handle, aud="another"),
        "key": issuer.token(stranger, handle),
        "binding": issuer.token(company.key, handle, cnf={"x5t#S256": "abc"}),
        "not yet": issuer.token(company.key, handle, nbf=now + 1000),
    }
    for name, token in wrong.items():
        assert refusal(register, crowd.connect(company), token) == "token_invalid", name
    expired = issuer.token(company.key, handle, iat=now - 100, exp=now - 50)
    assert refusal(register, crowd.connect(company), expired) == "token_expired"
    bad_handle = issuer.token(company.key, "no good")
    assert refusal(register, crowd.connect(company), bad_handle) == "handle_invalid"
    client = crowd.connect(company)
    assert client.error_of(register={"handle": handle}).code == "invalid_argument"


def test_stolen_token_is_worth_nothing_without_the_device_key(company, issuer, crowd):
    token = issuer.token(company.key, fresh_handle())
    device = register(crowd.connect(company), token)
    thief = Device(user_id=device.user_id, device_id=1)
    assert refusal(hello, crowd.connect(company), thief, token) == "proof_invalid"


def test_token_bound_to_a_key_is_for_that_key(company, issuer, crowd):
    handle, device, thief = fresh_handle(), Device(), Device()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64url(device.public_key)}
    token = issuer.token(company.key, handle, cnf={"jwk": jwk})
    assert refusal(register, crowd.connect(company), token, thief) == "proof_invalid"
    client = crowd.connect(company)
    hello(client, register(client, token, device), token)


def test_new_key_of_the_issuer_is_fetched_when_it_is_met(company, issuer, crowd, tmp_path):
    fresh = EdDsaIssuer(tmp_path, kid="next")
    issuer.keys.append(fresh)
    handle = fresh_handle()

    def registered():
        try:
            return register(crowd.connect(company), issuer.token(fresh, handle))
        except ServerError as error:
            assert error.code == "token_invalid"
            return None

    wait_until(registered, 60, "the new key")
    assert issuer.asked <= 5, "an unknown key must not make the server hammer the issuer"


def test_not_ready_until_the_keys_are_known(daemons, issuer, settings, tmp_path):
    issuer.online = False
    issuer.keys.append(EdDsaIssuer(tmp_path))
    daemon = daemons(settings).start()
    status, why, _ = daemon.http("/ready")
    assert status == 503 and b"issuer" in why


def test_issuer_that_is_away_does_not_stop_known_keys(company, issuer, crowd):
    issuer.online = False
    token = issuer.token(company.key, fresh_handle())
    client = crowd.connect(company)
    hello(client, register(client, token), token)


def test_servers_own_tokens_are_not_made(company, issuer, crowd):
    assert company.http("/.well-known/jwks.json", port=company.client_port)[0] == 404
    device = register(crowd.connect(company), issuer.token(company.key, fresh_handle()))
    assert refusal(crowd.connect(company).refresh, device) == "not_allowed"
