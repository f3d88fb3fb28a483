"""The head of the key log: signed by a key that stays, for everyone the same, and nobody else's business."""

import struct

from godwit_e2e.identity import unb64
from nacl.signing import VerifyKey

# SHA-256 of nothing: the root of a log without entries (RFC 9162, section 2.1.1).
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def verify_head(head, log_key):
    """The head's size; raises when the signature is not that of the log's key."""
    size = int(head.get("size", 0))
    signed = b"godwit/v1/tree-head\0" + struct.pack(">Q", size) + unb64(head["root"])
    VerifyKey(log_key).verify(signed + struct.pack(">Q", int(head["timeMs"])), unb64(head["signature"]))
    return size


def test_head_of_the_empty_log_is_signed(daemon, crowd):
    alice = crowd.new(daemon)
    head = alice.request(getTreeHead={})
    assert verify_head(head, unb64(alice.welcome["logKey"])) == 0
    assert unb64(head["root"]).hex() == EMPTY_ROOT
    page = alice.request(listKeyLog={})
    assert "entries" not in page and "more" not in page
    assert page["head"]["root"] == head["root"]


def test_key_of_the_log_outlives_a_kill(daemon, crowd):
    before = crowd.new(daemon).welcome["logKey"]
    daemon.restart()
    assert crowd.new(daemon).welcome["logKey"] == before


def test_size_beyond_the_log_is_refused(daemon, crowd):
    alice = crowd.new(daemon)
    for request in ({"getTreeHead": {"logSize": "1"}}, {"listKeyLog": {"logSize": "1"}}):
        assert alice.error_of(**request).code == "invalid_argument"
