"""kill -9 in the middle of fan-outs: every member has a message or none has; sent again, each has it once."""

import random
import time

import pytest
from godwit_e2e.daemon import NIGHTLY
from godwit_e2e.groups import change_body, change_group, create_group, get_group, list_chats, payloads
from godwit_e2e.websocket import Closed

MEMBERS = 9_999 if NIGHTLY else 300  # besides the sender
ROUNDS = 10 if NIGHTLY else 3
CHECKED = 300  # members looked at after each kill; all at the end
MESSAGES = 20  # in flight at each kill
# Frequent checkpoints and small segments, so that kills meet them too.
SETTINGS = {
    "journal.checkpoint_interval_ms": 100,
    "journal.segment_bytes": 262144,
    "chat.max_commit_bytes": 16384,
}


@pytest.fixture
def group(daemons, crowd):
    """The daemon, the sender's connection, the members' devices and the group."""
    daemon = daemons(SETTINGS).start()
    sender = crowd.new(daemon)
    members = daemon.register_many(MEMBERS)
    chat = create_group(sender, *members[:1000])
    for first in range(1000, MEMBERS, 1000):
        change_group(sender, chat, add=members[first : first + 1000])
    return daemon, sender, members, chat


def inbox_of(daemon, device, chat):
    """(position in the log, payload) of all messages of the group in the inbox, from its beginning."""
    with daemon.login(device) as client:
        end = int(client.welcome.get("inboxEnd", 0))
        entries = client.receive_until(lambda envelope: envelope.seq == end)
    assert [e.seq for e in entries] == list(range(1, end + 1)), "the inbox has no holes and no repetitions"
    return [(e.chat_seq, e.payload) for e in entries if e.chat == chat and e.event is None]


def kill_while_sending(daemon, sender, bodies, after_s):
    """Sends all at once and kills the daemon; returns {payload: position} of what was acknowledged."""
    requests = {sender.start(send=body): body["payload"] for body in bodies}
    time.sleep(after_s)
    daemon.kill()
    try:
        while True:
            sender.read_one()
    except Closed:
        pass
    replies = {requests[id]: reply for id, reply in sender.replies.items() if id in requests}
    assert all("sent" in reply for reply in replies.values()), replies
    return {payload: int(reply["sent"]["chatSeq"]) for payload, reply in replies.items()}


def test_all_members_have_a_message_or_none_and_never_twice(group, crowd):
    daemon, sender, members, chat = group
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    first, log = get_group(sender, chat).chat_end + 1, []
    for number in range(ROUNDS):
        bodies = [sender.send_body(chat, b"round %d message %d" % (number, i)) for i in range(MESSAGES)]
        before = get_group(sender, chat)
        acknowledged = kill_while_sending(daemon, sender, bodies, rng.uniform(0, 0.01))
        daemon.start()
        sender = crowd.login(sender.device, daemon)

        after = get_group(sender, chat)
        assert (after.roles, after.joined, after.version) == (before.roles, before.joined, before.version)
        whole = inbox_of(daemon, members[0], chat)
        assert whole[: len(log)] == log
        for member in rng.sample(members, CHECKED):
            assert inbox_of(daemon, member, chat) == whole
        assert payloads(sender.history(chat, limit=200)[0]) == [payload for _, payload in whole]

        settled = {body["payload"]: int(sender.request(send=body)["chatSeq"]) for body in bodies}
        assert acknowledged.items() <= settled.items(), "what was acknowledged has the same position"
        log = inbox_of(daemon, members[0], chat)
        assert log[: len(whole)] == whole
        assert [position for position, _ in log] == list(range(first, first + (number + 1) * MESSAGES))
    for member in members:
        assert inbox_of(daemon, member, chat) == log


def test_rejoined_members_and_the_group_agree_after_a_crash(group, crowd):
    """The server dies while members go out and come in again, with a message in between each time."""
    daemon, owner, members, chat = group
    movers = members[:30]
    requests = []
    for number, mover in enumerate(movers):
        requests += [
            {"changeGroup": change_body(chat, remove=[mover])},
            {"send": owner.send_body(chat, b"without %d" % number)},
            {"changeGroup": change_body(chat, add=[mover])},
        ]
    for request in requests:
        owner.start(**request)
    time.sleep(random.uniform(0, 0.02))
    daemon.restart()
    owner = crowd.login(owner.device, daemon)

    roles = get_group(owner, chat).roles
    for mover in movers:
        with daemon.login(mover) as client:
            assert list_chats(client)[chat].get("left", False) == (mover.user_id not in roles)

    replies = [owner.request(**request) for request in requests]
    positions = [int(reply["chatSeq"]) for reply in replies]
    # Requests on their way at once may overtake one another; each is there once.
    assert sorted(positions) == list(range(min(positions), min(positions) + len(requests)))
    before = get_group(owner, chat)
    assert before.member_count == MEMBERS + 1
    for number, mover in enumerate(movers):
        assert before.joined[mover.user_id] == positions[3 * number + 2]
        assert b"without %d" % number not in [payload for _, payload in inbox_of(daemon, mover, chat)]
        with daemon.login(mover) as client:
            page, _, _ = client.history(chat, after="0", limit=1)
            assert page[0].chat_seq == before.joined[mover.user_id]
    daemon.restart()
    assert get_group(crowd.login(owner.device, daemon), chat) == before
