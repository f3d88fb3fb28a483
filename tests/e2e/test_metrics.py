"""The metrics pass promtool and count what happened."""

import subprocess


def test_promtool_has_nothing_to_say(shared, people):
    alice, bob = people.pair()
    alice.send(bob.device)
    bob.receive()
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=shared.metrics_text(),
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_content_type(shared):
    status, _, headers = shared.http("/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_counters_count(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    body = alice.send_body(bob.device, b"x")
    alice.request(send=body)
    alice.request(send=body)
    bob.receive()
    alice.error_of(send=alice.send_body(alice.device, b"x"))
    expected = {
        "godwit_accounts_created_total": 2,
        "godwit_logins_total": 2,
        "godwit_sessions_live": 2,
        "godwit_messages_accepted_total": 1,
        "godwit_messages_repeated_total": 1,
        "godwit_envelopes_delivered_total": 1,
        "godwit_ready": 1,
        "godwit_journal_writable": 1,
    }
    assert {name: daemon.metric(name) for name in expected} == expected
    assert daemon.metric("godwit_errors_total", code="message_to_self") == 1
    assert daemon.metric("godwit_journal_queue_limit_bytes") > 0


def test_no_series_carry_user_data(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    alice.send(bob.device)
    text = daemon.metrics_text()
    for device in (alice.device, bob.device):
        assert str(device.user_id) not in text and device.handle not in text
