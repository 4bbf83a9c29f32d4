"""accept() alone: what it answers and what it raises."""

import errno
import os
import socket

import pytest

from headrace.net.sockets import accept, tune


@pytest.fixture
def listening():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        made.setblocking(False)
        yield made


def test_nothing_waits(listening):
    assert accept(listening.fileno()) is None


def test_a_connection_and_its_peer(listening):
    with socket.create_connection(listening.getsockname()) as peer:
        fd, address = accept(listening.fileno())
        assert address == peer.getsockname()
        assert not os.get_blocking(fd)
        os.close(fd)


def test_a_local_socket_has_no_address(tmp_path):
    with socket.socket(socket.AF_UNIX) as made, socket.socket(socket.AF_UNIX) as peer:
        made.bind(str(tmp_path / "socket"))
        made.listen()
        peer.connect(str(tmp_path / "socket"))
        fd, address = accept(made.fileno())
        assert address == ("", 0)
        os.close(fd)


def test_what_cannot_accept_raises(listening):
    with socket.create_connection(listening.getsockname()) as peer, pytest.raises(OSError, match="Invalid") as caught:
        accept(peer.fileno())
    assert caught.value.errno == errno.EINVAL


def test_tuning_what_is_no_tcp_socket_does_nothing():
    one, other = socket.socketpair()
    tune(one.fileno())
    one.close()
    other.close()
