"""The code of a verified registration goes out by a signed webhook and lets in whoever returns it."""

import hashlib
import hmac
import json
import os

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.http_server import HttpServer
from godwit_e2e.identity import fresh_handle

SECRET = os.urandom(16).hex()


class Provider:
    """The operator's sender of codes: keeps what it is given, after checking who gives it."""

    def __init__(self):
        self.codes = {}
        self.status = 200

    def answer(self, method, path, headers, body):
        expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if method != "POST" or path != "/codes" or headers.get("Godwit-Signature") != expected:
            return 403, b"{}"
        asked = json.loads(body)
        assert asked["expires_s"] == 600
        self.codes[asked["handle"]] = asked["code"]
        return self.status, b"{}"


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def verifying(daemons, provider):
    with HttpServer(provider.answer) as server:
        settings = {
            "account.registration": "verified",
            "account.verify_webhook_url": server.url + "/codes",
            "account.verify_webhook_secret": SECRET,
            "account.code_attempts": 3,
        }
        daemon = daemons(settings).start()
        yield daemon
        daemon.kill()


def refusal(client, handle, code):
    with pytest.raises(ServerError) as refused:
        client.register(handle, code=code)
    return refused.value.code


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_code_from_the_webhook_lets_in_once(verifying, provider, crowd):
    client, handle = crowd.connect(verifying), fresh_handle()
    assert client.challenge["registration"] == "VERIFIED"
    assert refusal(client, handle, "000000") == "code_invalid"
    assert client.request(requestCode={"handle": handle}) == {"expiresS": 600, "retryAfterS": 60}
    code = provider.codes[handle]
    assert len(code) == 6 and code.isdigit()
    assert refusal(client, handle, wrong(code)) == "code_invalid"
    assert refusal(client, fresh_handle(), code) == "code_invalid"
    client.hello(client.register(handle, code=code))
    assert refusal(crowd.connect(verifying), handle, code) in ("code_invalid", "handle_taken")


def test_too_many_wrong_codes_void_the_right_one(verifying, provider, crowd):
    client, handle = crowd.connect(verifying), fresh_handle()
    client.request(requestCode={"handle": handle})
    code = provider.codes[handle]
    for _ in range(3):
        assert refusal(client, handle, wrong(code)) == "code_invalid"
    assert refusal(client, handle, code) == "code_invalid"


def test_another_code_at_once_is_rate_limited(verifying, crowd):
    client, handle = crowd.connect(verifying), fresh_handle()
    client.request(requestCode={"handle": handle})
    error = client.error_of(requestCode={"handle": handle})
    assert error.code == "rate_limited" and 0 < error.retry_after_ms <= 60_000


def test_provider_that_fails_is_told(verifying, provider, crowd):
    provider.status = 500
    error = crowd.connect(verifying).error_of(requestCode={"handle": fresh_handle()})
    assert error.code == "delivery_unavailable" and error.retryable


def test_invalid_handle_gets_no_code(verifying, provider, crowd):
    assert crowd.connect(verifying).error_of(requestCode={"handle": "no good"}).code == "handle_invalid"
    assert provider.codes == {}


def test_codes_are_not_logged(verifying, provider, crowd):
    client, handle = crowd.connect(verifying), fresh_handle()
    client.request(requestCode={"handle": handle})
    assert provider.codes[handle] not in verifying.log_text() and SECRET not in verifying.log_text()


def test_codes_of_an_address_are_limited(daemons, provider, crowd):
    with HttpServer(provider.answer) as server:
        settings = {
            "account.registration": "verified",
            "account.verify_webhook_url": server.url + "/codes",
            "account.verify_webhook_secret": SECRET,
            "limits.address_registrations_per_hour": 3,
            "server.workers": 1,
        }
        client = crowd.connect(daemons(settings).start())
        for _ in range(3):
            client.request(requestCode={"handle": fresh_handle()})
        refused = client.error_of(requestCode={"handle": fresh_handle()})
        assert refused.code == "rate_limited" and refused.retry_after_ms > 0
        assert len(provider.codes) == 3
