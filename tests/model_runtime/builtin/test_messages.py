"""What is said over a wire arrives as it was, in one piece of memory, or is seen to break off."""

import gc
import socket
import struct
import threading

import numpy as np
import pytest

from model_runtime.builtin.messages import Wire, receive, send


@pytest.fixture
def ends():
    """Two wires, joined."""
    both = [Wire(end) for end in socket.socketpair()]
    yield both
    for wire in both:
        wire.close()


def as_bytes(said, arrays=None):
    """What goes over a wire when this is said; small enough for nobody to have to read it."""
    ours, theirs = socket.socketpair()
    wire = Wire(ours)
    send(wire, said, arrays)
    wire.close()
    with theirs, theirs.makefile("rb") as stream:
        return stream.read()


def test_a_message_is_two_sizes_and_a_header_and_arrays_each_at_a_multiple_of_eight():
    whole = as_bytes({"a": 1}, {"b": np.array([True]), "c": np.array([2.0])})
    header, size = struct.unpack("<QQ", whole[:16])
    assert header % 8 == 0 and size == 16
    assert len(whole) == 16 + header + size
    assert whole[-16:] == b"\1" + bytes(7) + struct.pack("<d", 2.0)


@pytest.mark.parametrize("said", [{}, {"source": [1, 2]}, {"failed": "猫\ud800"}])
def test_what_is_said_arrives(ends, said):
    send(ends[0], said)
    assert receive(ends[1]) == (said, {})


@pytest.mark.parametrize(
    "array",
    [
        np.float32(7),
        np.zeros((0, 3)),
        np.arange(6).reshape(2, 3),
        np.arange(24, dtype=np.float32).reshape(2, 3, 4).swapaxes(0, 2),
        np.eye(3, dtype=bool),
        np.array([[np.nan, np.inf, -0.0]]),
    ],
)
def test_arrays_arrive_as_they_were_and_read_only(ends, array):
    send(ends[0], {}, {"a": np.asarray(array), "b": np.ones(2)})
    _, found = receive(ends[1])
    np.testing.assert_array_equal(found["a"], array)
    assert found["a"].dtype == array.dtype
    assert not found["a"].flags.writeable
    with pytest.raises(ValueError):
        found["a"].setflags(write=True)
    np.testing.assert_array_equal(found["b"], np.ones(2))
    assert found["b"].flags.aligned


def test_arrays_of_a_message_keep_nothing_alive_that_python_looks_through_for_garbage(ends):
    send(ends[0], {}, {"a": np.eye(3, dtype=bool), "b": np.ones((2, 2)), "c": np.array(7.0)})
    _, found = receive(ends[1])
    bases = {id(array.base) for array in found.values()}
    assert len(bases) == 1
    base = found["a"].base
    assert isinstance(base, np.ndarray) and base.base is None
    assert not gc.is_tracked(base) and not any(map(gc.is_tracked, found.values()))


def test_what_comes_in_pieces_is_read_as_one():
    ours, theirs = socket.socketpair()
    whole = as_bytes({"a": 1}, {"b": np.arange(1_000)}) * 40

    def speak():
        for at in range(0, len(whole), 991):
            theirs.sendall(whole[at : at + 991])
        theirs.close()

    threading.Thread(target=speak).start()
    wire = Wire(ours)
    for _ in range(40):
        said, arrays = receive(wire)
        assert said == {"a": 1}
        np.testing.assert_array_equal(arrays["b"], np.arange(1_000))
    with pytest.raises(EOFError):
        receive(wire)
    wire.close()


def test_what_is_larger_than_a_socket_holds_arrives(ends):
    array = np.arange(1_000_000)
    speaking = threading.Thread(target=send, args=(ends[0], {}, {"a": array}))
    speaking.start()
    np.testing.assert_array_equal(receive(ends[1])[1]["a"], array)
    speaking.join(5)


@pytest.mark.parametrize("size", [0, 3, 20, -1])
def test_a_message_that_breaks_off_is_the_end(size):
    ours, theirs = socket.socketpair()
    theirs.sendall(as_bytes({"a": 1}, {"b": np.ones(9)})[:size])
    theirs.close()
    wire = Wire(ours)
    with pytest.raises(EOFError):
        receive(wire)
    wire.close()


def test_who_does_not_speak_in_time_is_waited_for_no_longer(ends):
    ends[1].wait_for(0.02)
    with pytest.raises(TimeoutError, match="no answer"):
        receive(ends[1])


def test_to_one_that_is_closed_nothing_can_be_said(ends):
    assert ends[0].fileno() >= 0
    ends[0].close()
    assert ends[0].fileno() == -1
    with pytest.raises(OSError):
        send(ends[1], {"a": 1})
    with pytest.raises(EOFError):
        receive(ends[1])
