"""A port that is taken is refused at the start, by its address."""

import socket

import pytest


@pytest.mark.parametrize("option", ["net.listen", "admin.listen"])
def test_taken_port_is_told(daemons, option):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = "127.0.0.1:%d" % other.getsockname()[1]
        code, said = daemons({option: address}).start_refused()
    assert code == 1
    assert f"cannot listen on '{address}': the port is taken" in said


def test_port_of_a_running_daemon_is_taken(daemon, daemons, crowd):
    code, said = daemons({"net.listen": f"127.0.0.1:{daemon.client_port}"}).start_refused()
    assert code == 1 and "the port is taken" in said
    crowd.new(daemon).request(ping={})


def test_port_is_free_again_after_kill(daemons, crowd):
    daemon = daemons().start()
    crowd.new(daemon)
    daemon.settings["net.listen"] = f"127.0.0.1:{daemon.client_port}"
    daemon.restart()
    crowd.new(daemon).request(ping={})
