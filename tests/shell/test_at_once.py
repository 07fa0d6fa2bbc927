"""Connections to a socket that was made by default send at once, as asyncio meant them to."""

import socket
from contextlib import contextmanager

from shell.at_once import OPEN_FILES, send_at_once


def is_prompt(one):
    return one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@contextmanager
def accepted(listening):
    """The server's end of a new connection."""
    with socket.create_connection(listening.getsockname()), listening.accept()[0] as end:
        yield end


def test_connections_to_come_send_at_once_and_those_of_before_stay_as_they_are():
    with socket.socket() as listening, socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with accepted(listening) as before:
            assert send_at_once() >= 1
            with accepted(listening) as after:
                assert (is_prompt(before), is_prompt(after)) == (False, True)
        assert is_prompt(listening)
        assert not is_prompt(idle)
        assert listening.getblocking()


def test_no_handle_is_left_open():
    send_at_once()
    before = len(list(OPEN_FILES.iterdir()))
    send_at_once()
    assert len(list(OPEN_FILES.iterdir())) == before


def test_where_open_files_are_not_told_nothing_goes_wrong(monkeypatch, tmp_path):
    monkeypatch.setattr("shell.at_once.OPEN_FILES", tmp_path / "none")
    assert send_at_once() == 0
