"""The public keys that verify tokens are published, and outlive a restart."""

import json

from godwit_e2e.identity import b64url_decode
from godwit_e2e.tokens import decode_part
from nacl.signing import VerifyKey


def keys(daemon):
    status, body, headers = daemon.http("/.well-known/jwks.json", port=daemon.client_port)
    assert status == 200 and headers["Content-Type"].startswith("application/json")
    return {key["kid"]: key for key in json.loads(body)["keys"]}


def verify(daemon, token):
    key = keys(daemon)[decode_part(token, 0)["kid"]]
    assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")
    signing_input, signature = token.rsplit(".", 1)
    VerifyKey(b64url_decode(key["x"])).verify(signing_input.encode(), b64url_decode(signature))


def test_published_key_verifies_a_token(shared):
    verify(shared, shared.register().token)


def test_private_part_is_not_published(shared):
    assert all("d" not in key for key in keys(shared).values())


def test_keys_and_tokens_survive_kill(daemon, crowd):
    alice = daemon.register()
    daemon.restart()
    verify(daemon, alice.token)
    crowd.login(alice, daemon)


def test_key_file_is_for_the_owner_alone(shared):
    assert (shared.data_dir / "token-keys.json").stat().st_mode & 0o077 == 0
