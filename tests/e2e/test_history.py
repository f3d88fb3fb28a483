"""History pages through a chat's log in both directions, within bounds."""

import pytest

pytestmark = pytest.mark.smoke


@pytest.fixture(scope="module")
def chat(shared):
    """A reader and a peer with 230 messages between them, payload == position."""
    peer = shared.register()
    reader = shared.login(shared.register())
    with shared.login(peer) as writer:
        writer.send_many(reader.device, [b"%d" % i for i in range(1, 231)])
    yield reader, peer
    reader.close()


def positions(page):
    envelopes, end, _ = page
    assert end == 230
    assert all(e.payload == b"%d" % e.chat_seq and e.seq == 0 and e.to == 0 for e in envelopes)
    return [e.chat_seq for e in envelopes]


def test_without_a_range_the_newest_fifty_come(chat):
    reader, peer = chat
    page = reader.history(peer)
    assert positions(page) == list(range(181, 231)) and page[2]


def test_backward_reaches_the_beginning(chat):
    reader, peer = chat
    seen, before, more = [], 0, True
    while more:
        page = reader.history(peer, before=str(before), limit=100)
        seen, before, more = positions(page) + seen, page[0][0].chat_seq, page[2]
    assert seen == list(range(1, 231))


def test_forward_reaches_the_end(chat):
    reader, peer = chat
    seen, more = [], True
    while more:
        page = reader.history(peer, after=str(seen[-1] if seen else 0), limit=100)
        seen, more = seen + positions(page), page[2]
    assert seen == list(range(1, 231))


def test_limit_beyond_the_bound_is_cut(chat):
    reader, peer = chat
    page = reader.history(peer, limit=1000)
    assert positions(page) == list(range(31, 231)) and page[2]


def test_ranges_beyond_the_ends_are_empty(chat):
    reader, peer = chat
    assert reader.history(peer, before="1") == ([], 230, False)
    assert reader.history(peer, after="230") == ([], 230, False)
    assert reader.history(peer, after="99999999") == ([], 230, False)
    assert positions(reader.history(peer, before="99999999", limit=2)) == [229, 230]


def test_before_and_after_together_are_refused(chat):
    reader, peer = chat
    both = {"peer": str(peer.user_id), "before": "5", "after": "1"}
    assert reader.error_of(history=both).code == "invalid_argument"


def test_chat_that_does_not_exist_is_chat_not_found(people):
    alice, bob = people.pair()
    assert alice.error_of(history={"peer": str(bob.device.user_id)}).code == "chat_not_found"
    assert alice.error_of(history={"peer": "77"}).code == "chat_not_found"
    # Between one's own devices, too, there is one only when something has been sent.
    assert alice.error_of(history={"peer": str(alice.device.user_id)}).code == "chat_not_found"


def test_log_is_whole_across_store_and_tail(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    alice.send_many(bob.device, [b"%d" % i for i in range(1, 31)])
    daemon.stop()
    daemon.start()
    alice = crowd.login(alice.device, daemon)
    alice.send_many(bob.device, [b"%d" % i for i in range(31, 61)])
    envelopes, end, more = alice.history(bob.device, after="0", limit=60)
    assert [e.payload for e in envelopes] == [b"%d" % i for i in range(1, 61)]
    assert (end, more) == (60, False)
