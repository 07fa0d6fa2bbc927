"""Sixty visitors in one server process: texts entered and heads fetched, beside one alone.
About ten minutes; `python -m benchmarks.bench_room --share 0.1` takes a tenth of everything
but of the sixty, and of what fills the stores before; `--people 30` finds out how many a machine
serves as promised. All begin within the same two seconds, which a small share makes much of.

One after another, on one server of its own, from this process:

- `alone`, the floor: one visitor enters texts, one after another, and fetches a head of each;
- `room`: sixty sessions do so, each with a text of its own every three seconds;
- `at once`: all sixty enter a text at the same moment;
- `the hour`: what sixty people ask in an hour, a text a minute each, without time to think;
- `opened`: 500 sessions opened and closed, eight at a time.

Every message that a visitor is sent is searched for the words of another. The tokens of every
picture and the numbers of some heads are compared with what the text gives in this process.

Memory is the server's resident set. Before and after are the same state: stores full, and as
many sessions left as Streamlit keeps for those who come back (128, for two minutes).

Promised: p95 of `room` at most 150 ms, no error, memory within 5 %. A reason to act: any of them
missed, or a median of `room` more than twice that of `alone`.
"""

import argparse
import asyncio
import struct

import httpx2
import numpy as np

from benchmarks.bench_enter import SENTENCES
from benchmarks.room import Room, Seen, Times
from benchmarks.serving import median, p95, process, say, table, verdict
from model_runtime import catalog, tracing
from model_runtime.types import Request, StackName
from model_runtime.views import HeadPlace, View
from viz.attention_map import head_frame

PEOPLE = 60
THINK = 3.0  # seconds
MINUTES = 3.0
IN_AN_HOUR = 60 * PEOPLE  # texts, one a minute each
AT_ONCE = 5  # times
OPENED = 500
LEFT_BEFORE = 200  # more than Streamlit keeps; with two texts each, more than stores keep
PROMISED_MS = 150.0
PROMISED_GROWTH = 5.0  # percent
STACKS: dict[str, StackName] = {"encoder": "encoder", "decoder": "decoder", "cross": "cross"}
PLACES = [f"{stack}/{layer}/{head}" for stack in STACKS for layer in (0, 2) for head in (0, 5)]
COMPARED = 100  # heads that are computed here again
CLOSE = 1e-5


async def measure(
    room: Room, share: float, n_people: int
) -> tuple[dict[str, Times], dict[str, float]]:
    """Times of each phase by its name, and the server's memory in MiB at some moments."""
    times: dict[str, Times] = {}
    memory = {"one page open": 0.0}
    async with room.people(1) as (one,), room.phase() as times["alone"]:
        memory["one page open"] = room.memory()
        for _ in range(len(SENTENCES)):
            if answer := await room.enter(one, times["alone"]):
                await room.fetch(one, answer, PLACES[0], times["alone"])
    await room.come_and_go(LEFT_BEFORE, 2, Times())
    memory["before"] = room.memory()
    async with room.people(n_people, apart=THINK) as people:
        memory["all pages open"] = room.memory()
        async with room.phase() as times["room"]:
            sitting = (
                room.sit(v, MINUTES * share * 60, THINK, PLACES, times["room"]) for v in people
            )
            await asyncio.gather(*sitting)
        memory["after the traffic"] = room.memory()
        async with room.phase() as times["at once"]:
            for _ in range(max(1, round(AT_ONCE * share))):
                await asyncio.gather(*(room.enter(v, times["at once"]) for v in people))
        async with room.phase() as times["the hour"]:
            left = iter(range(round(IN_AN_HOUR * share)))

            async def ask_on(at: int) -> None:
                for _ in left:
                    await room.enter(people[at], times["the hour"])

            await asyncio.gather(*(ask_on(at) for at in range(len(people))))
        memory["after the hour"] = room.memory()
    async with room.phase() as times["opened"]:
        await room.come_and_go(round(OPENED * share), 0, times["opened"])
    memory["after"] = room.memory()
    return times, memory


async def look_in(room: Room) -> None:
    """Two who type the same each have a recording of their own, and no made-up name has one."""
    async with room.people(2) as (one, other):
        first, second = await one.enter(SENTENCES[0]), await other.enter(SENTENCES[0])
        if first.api == second.api:
            room.seen.errors["one recording for two"] += 1
        _, status, _ = await one.head(f"api/trace/{'0' * 32}", PLACES[0])
        if status != 410:
            room.seen.errors[f"a made-up name: HTTP {status}"] += 1


def compare(seen: Seen) -> int:
    """Count what was shown that is not what was typed; how many heads were computed again."""
    model = catalog.open_model(catalog.DEFAULT)
    for text, answer in seen.pictures:
        reading = model.read(Request(catalog.DEFAULT, text, "a"))  # no target need be written
        if answer.text != text or answer.rows != tuple(t.text for t in reading.source):
            seen.errors["another's tokens"] += 1
    some = seen.frames[:: max(1, len(seen.frames) // COMPARED)]
    for text, place, frame in some:
        stack, layer, head = place.split("/")
        where = HeadPlace(int(layer), int(head))
        here = head_frame(tracing.trace(model, text), STACKS[stack], where, View())
        if not same(frame, here):
            seen.errors["another's numbers"] += 1
    return len(some)


def same(one: bytes, other: bytes) -> bool:
    """Whether two frames say the same: headers to the letter, numbers closely."""
    (size,) = struct.unpack_from("<I", one)
    if one[: 4 + size] != other[: 4 + size] or len(one) != len(other):
        return False
    here, there = (np.frombuffer(frame, "<f4", offset=4 + size) for frame in (one, other))
    return np.allclose(here, there, rtol=CLOSE, atol=CLOSE, equal_nan=True)


def report(times: dict[str, Times], memory: dict[str, float], seen: Seen, n_people: int) -> None:
    """Tables and verdicts."""
    say(f"{n_people} sessions in one server process, in ms")
    alone = median(times["alone"].reruns)
    rows = []
    for name, phase in times.items():
        for what, took in (("rerun", phase.reruns), ("head", phase.heads)):
            if took:
                cpu = [f"{phase.server_cpu:.2f}", f"{phase.own_cpu:.2f}"]
                ratio = f"{median(took) / alone:.2f}" if what == "rerun" else "–"
                figures = [median(took), p95(took), max(took)]
                rate = f"{len(took) / phase.seconds:.1f}"
                rows.append([f"{name}: {what}", len(took), *figures, ratio, rate, *cpu])
    head = ["", "count", "median", "p95", "max", "÷ alone", "a second", "server's cores", "own"]
    table(head, rows)
    say(f"bytes of a rerun: {median(times['room'].n_bytes):,.0f}")
    say("the server's memory, in MiB")
    table(["", "MiB"], list(memory.items()))
    each = (memory["all pages open"] - memory["before"]) / n_people
    say(f"a session: {each:.2f} MiB")
    for what, count in seen.errors.most_common():
        say(f"error: {what}: {count}")
    verdict("Rerun in the room, p95", p95(times["room"].reruns), PROMISED_MS, "ms")
    verdict("Head in the room, p95", p95(times["room"].heads), PROMISED_MS, "ms")
    verdict("Errors", float(seen.errors.total()), 0.0, "errors")
    growth = (memory["after"] / memory["before"] - 1) * 100
    verdict("Memory after an hour's texts", growth, PROMISED_GROWTH, "%")


async def visit(share: float, n_people: int) -> None:
    """The whole benchmark, on a server of its own."""
    limits = httpx2.Limits(max_connections=n_people, max_keepalive_connections=n_people)
    async with httpx2.AsyncClient(limits=limits, trust_env=False) as http:
        with process() as (address, pid):
            room = Room(address, pid, http, SENTENCES)
            times, memory = await measure(room, share, n_people)
            await look_in(room)
    compared = compare(room.seen)
    report(times, memory, room.seen, n_people)
    say(f"compared: {len(room.seen.pictures)} pictures, {compared} heads")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of everything but the people")
    parser.add_argument("--people", type=int, default=PEOPLE, help="how many sit in the room")
    asked = parser.parse_args()
    asyncio.run(visit(asked.share, asked.people))


if __name__ == "__main__":
    main()
