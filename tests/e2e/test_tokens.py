"""Tokens that are expired, of another audience or key, unsigned, or another device's are refused by name."""

import time

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.identity import Device, b64url
from godwit_e2e.tokens import ServerKey, decode_part, encode_part, make_token
from nacl.signing import SigningKey


@pytest.fixture
def alice(shared):
    return shared.register()


@pytest.fixture
def forge(shared, alice):
    key = ServerKey(shared.data_dir)
    return lambda **changes: key.forge(alice.token, **changes)


def refusal(people, device, token, **options):
    with pytest.raises(ServerError) as refused:
        people.connect().hello(device, token=token, **options)
    return refused.value.code


def test_forged_but_right_token_is_accepted(people, alice, forge):
    # Else the refusals below would prove nothing.
    people.connect().hello(alice, token=forge())


def test_expired(people, alice, forge):
    now = int(time.time())
    token = forge(iat=now - 1000, exp=now - 100)
    assert refusal(people, alice, token) == "token_expired"
    # The way on: the same connection, a refreshed token.
    client = people.connect()
    client.refresh(alice)
    client.hello(alice)


def test_expired_by_the_clock(daemons, crowd):
    daemon = daemons({"auth.token_ttl_s": 10, "auth.leeway_s": 0}).start()
    user = daemon.register()
    expires_s = decode_part(user.token, 1)["exp"]
    assert 0 < expires_s - time.time() <= 10
    live = crowd.login(user, daemon)
    time.sleep(max(0.0, expires_s - time.time()) + 1)
    live.request(ping={})  # a live connection goes on
    assert refusal_on(crowd, daemon, user) == "token_expired"


def refusal_on(crowd, daemon, device):
    with pytest.raises(ServerError) as refused:
        crowd.connect(daemon).hello(device)
    return refused.value.code


def test_not_valid_yet(people, alice, forge):
    assert refusal(people, alice, forge(nbf=int(time.time()) + 1000)) == "token_invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "another"},
        {"iss": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"cnf": None},
        {"cnf": {}},
        {"cnf": {"jwk": {"kty": "RSA"}}},
        {"sub": None},
        {"sub": "0"},
        {"did": None},
        {"did": 0},
        {"header": {"typ": "logout+jwt"}},
        {"header": {"kid": "unknown"}},
        {"header": {"crit": ["exp"]}},
        {"header": {"alg": "HS256"}},
        {"header": {"alg": "RS256"}},
    ],
    ids=str,
)
def test_wrong_claim_or_header_under_the_right_key(people, alice, forge, changes):
    assert refusal(people, alice, forge(**changes)) == "token_invalid"


def test_wrong_key(people, alice):
    stranger = SigningKey.generate()
    token = make_token(
        decode_part(alice.token, 0), decode_part(alice.token, 1), lambda d: stranger.sign(d).signature
    )
    assert refusal(people, alice, token) == "token_invalid"


@pytest.mark.parametrize("name", ["none", "None", "NONE", ""])
def test_alg_none(people, alice, name):
    header = {**decode_part(alice.token, 0), "alg": name}
    payload = alice.token.split(".")[1]
    assert refusal(people, alice, f"{encode_part(header)}.{payload}.") == "token_invalid"


def test_no_signature(people, alice):
    assert refusal(people, alice, alice.token.rsplit(".", 1)[0] + ".") == "token_invalid"


def test_changed_by_one_bit(people, alice):
    head, payload, signature = alice.token.split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert refusal(people, alice, f"{head}.{payload}.{changed}") == "token_invalid"


@pytest.mark.parametrize("token", ["", "x", "..", "a.b.c", "." * 5000, b64url(b"{}") * 1000], ids=range(6))
def test_not_a_token(people, alice, token):
    assert refusal(people, alice, token) == "token_invalid"


def test_stolen_token_with_the_thiefs_key(people, alice):
    assert refusal(people, alice, alice.token, signer=Device()) == "proof_invalid"


def test_signed_by_another_device_of_the_same_account(people, shared, alice):
    laptop = shared.link(people.login(alice))
    assert refusal(people, alice, laptop.token, signer=alice) == "proof_invalid"
    assert refusal(people, laptop, alice.token, signer=laptop) == "proof_invalid"


def test_token_bound_to_a_key_that_is_not_the_devices(people, alice, forge):
    thief = Device()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64url(thief.public_key)}
    assert refusal(people, alice, forge(cnf={"jwk": jwk}), signer=thief) == "proof_invalid"


def test_token_of_a_device_that_does_not_exist(people, alice, forge):
    assert refusal(people, alice, forge(did=7)) == "device_revoked"


def test_token_of_a_user_who_does_not_exist(people, alice, forge):
    assert refusal(people, alice, forge(sub="12345")) == "user_not_found"


def test_third_refusal_closes_with_4201(people, alice):
    client = people.connect()
    for _ in range(3):
        with pytest.raises(ServerError, match="token_invalid"):
            client.hello(alice, token="x")
    assert client.wait_closed().code == 4201


def test_after_two_refusals_the_right_hello_is_accepted(people, alice):
    client = people.connect()
    for _ in range(2):
        with pytest.raises(ServerError):
            client.hello(alice, token="x")
    client.hello(alice)
