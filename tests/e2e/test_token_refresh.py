"""A device gets a fresh token for a signature, before and after Hello."""

import time

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.identity import Device, b64url
from godwit_e2e.tokens import decode_part


def test_refreshed_token_is_good_for_hello(people, shared):
    alice = shared.register()
    old = alice.token
    client = people.connect()
    reply = client.refresh(alice)
    assert reply["token"] != old
    assert int(reply["expiresMs"]) == decode_part(reply["token"], 1)["exp"] * 1000
    assert 890 <= int(reply["expiresMs"]) / 1000 - time.time() <= 900
    client.hello(alice)
    client.refresh(alice)


def test_token_has_the_documented_claims(shared):
    alice = shared.register()
    header, claims = decode_part(alice.token, 0), decode_part(alice.token, 1)
    assert (header["alg"], header["typ"]) == ("EdDSA", "at+jwt") and header["kid"]
    assert (claims["iss"], claims["aud"]) == ("godwit", "godwit")
    assert (claims["sub"], claims["did"]) == (str(alice.user_id), 1)
    assert claims["cnf"] == {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64url(alice.public_key)}}
    assert claims["exp"] - claims["iat"] == 900
    assert claims["jti"]


def test_refresh_by_another_key_is_refused(people, shared):
    alice = shared.register()
    with pytest.raises(ServerError, match="proof_invalid"):
        people.connect().refresh(Device(user_id=alice.user_id, device_id=1))


def test_refresh_for_an_unknown_device_or_user_says_no_more(people, shared):
    alice = shared.register()
    for user_id, device_id in ((alice.user_id, 2), (999, 1)):
        with pytest.raises(ServerError, match="proof_invalid"):
            people.connect().refresh(Device(key=alice.key, user_id=user_id, device_id=device_id))
