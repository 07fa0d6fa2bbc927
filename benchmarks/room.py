"""A room of visitors on one server: who types what when, and what each of them was shown.

Knows the server's process by its id and its answers; measures, and judges no figure.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from websockets.exceptions import WebSocketException

from benchmarks.visitor import Answer, Failed, Visitor

BROKEN = (Failed, TimeoutError, OSError, WebSocketException, httpx2.HTTPError)
# One a visitor, at the beginning of all that they type. None is a word of the app's own.
NAMES = """\
Agnes Albert Amanda Bernard Bertha Boris Cecilia Conrad Cynthia Derek Dolores Edgar Edith Elmer
Esther Felix Fiona Floyd Gerald Gloria Harold Hazel Hector Helga Herman Hilda Horace Ingrid Irving
Isabel Jerome Joyce Judith Julius Kenneth Leonard Lionel Louise Lydia Mabel Marvin Matilda Maurice
Mildred Milton Monica Morris Muriel Nelson Norma Oliver Olga Oscar Pamela Percy Phyllis Quentin
Ramona Rupert Sylvia
""".split()
NAMED = frozenset(name.encode() for name in NAMES)
LETTERS_ALONE = bytes(byte if bytes([byte]).isalpha() else ord(" ") for byte in range(256))
AT_A_TIME = 8  # doors


@dataclass
class Times:
    """What one phase took: milliseconds, and bytes of one rerun's messages."""

    reruns: list[float] = field(default_factory=list)
    heads: list[float] = field(default_factory=list)
    n_bytes: list[int] = field(default_factory=list)
    seconds: float = 0.0
    server_cpu: float = 0.0  # of one core, on average
    own_cpu: float = 0.0


@dataclass
class Seen:
    """What visitors typed and were shown, to be compared when nothing is measured any more."""

    pictures: list[tuple[str, Answer]] = field(default_factory=list)
    frames: list[tuple[str, str, bytes]] = field(default_factory=list)  # text, place, numbers
    owners: dict[str, int] = field(default_factory=dict)  # where heads are → whose they are
    errors: Counter[str] = field(default_factory=Counter)


def names_in(messages: Sequence[bytes]) -> set[bytes]:
    """Whose names stand there as words. This process shares its processors with the server, and a
    regular expression for it took two thirds of what it did."""
    words = (word for came in messages for word in came.translate(LETTERS_ALONE).split())
    return set(NAMED.intersection(words))


class Room:
    """Visitors of one server. No two who are there at a time type the same."""

    def __init__(
        self, address: str, pid: int, http: httpx2.AsyncClient, sentences: Sequence[str]
    ) -> None:
        self.address, self.http = address, http
        self.seen = Seen()
        self._pid, self._sentences = pid, sentences
        self._came = 0
        self._chance = random.Random(7)

    def memory(self) -> float:
        """MiB that the server holds, with the process that helps it."""
        pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in self._pids())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _server_seconds(self) -> float:
        ticks = 0
        for pid in self._pids():
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(after_name[11]) + int(after_name[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _pids(self) -> list[int]:
        """The server's process and those that it has started."""
        started = Path(f"/proc/{self._pid}/task").glob("*/children")
        return [self._pid, *(int(pid) for path in started for pid in path.read_text().split())]

    @asynccontextmanager
    async def phase(self) -> AsyncIterator[Times]:
        """Times to be filled, and what processors did meanwhile."""
        times = Times()
        start, server, own = time.monotonic(), self._server_seconds(), time.process_time()
        yield times
        times.seconds = time.monotonic() - start
        times.server_cpu = (self._server_seconds() - server) / times.seconds
        times.own_cpu = (time.process_time() - own) / times.seconds

    async def enter(self, visitor: Visitor, times: Times) -> Answer | None:
        """A text of its own, typed by a visitor; None if there was no answer."""
        sentence = self._sentences[visitor.n_said % len(self._sentences)]
        visitor.n_said += 1
        text = f"{visitor.name}: {sentence}"
        try:
            answer = await visitor.enter(text)
        except BROKEN as error:
            self.seen.errors[str(error) or type(error).__name__] += 1
            return None
        times.reruns.append(answer.ms)
        times.n_bytes.append(answer.n_bytes)
        self.seen.pictures.append((text, answer))
        if names_in(visitor.came) != {visitor.name.encode()}:
            self.seen.errors["another's words"] += 1
        if self.seen.owners.setdefault(answer.api, id(visitor)) != id(visitor):
            self.seen.errors["another's recording"] += 1
        return answer

    async def fetch(self, visitor: Visitor, answer: Answer, place: str, times: Times) -> None:
        """A head of the picture that a visitor sees."""
        try:
            took, status, frame = await visitor.head(answer.api, place)
        except BROKEN as error:
            self.seen.errors[f"head: {type(error).__name__}"] += 1
            return
        if status != 200:
            self.seen.errors[f"head: HTTP {status}"] += 1
            return
        times.heads.append(took)
        self.seen.frames.append((answer.text, place, frame))

    def _visitor(self) -> Visitor:
        """Somebody new, who begins with another sentence than who came before: stores are to
        hold short and long ones at all times."""
        self._came += 1
        visitor = Visitor(self.address, self.http, NAMES[self._came % len(NAMES)])
        visitor.n_said = self._came
        return visitor

    @asynccontextmanager
    async def people(self, count: int, apart: float = 0.0) -> AsyncIterator[list[Visitor]]:
        """So many visitors with the page open, who come within `apart` seconds, or through so
        many doors; they leave at the end."""
        doors = asyncio.Semaphore(AT_A_TIME)
        async with AsyncExitStack() as stack:

            async def come() -> Visitor | None:
                await asyncio.sleep(self._chance.uniform(0, apart))
                async with doors:
                    try:
                        visitor = await stack.enter_async_context(self._visitor())
                        await visitor.open()
                    except BROKEN as error:
                        self.seen.errors[f"opening: {error or type(error).__name__}"] += 1
                        return None
                return visitor

            came = await asyncio.gather(*(come() for _ in range(count)))
            yield [visitor for visitor in came if visitor]

    async def come_and_go(self, count: int, n_texts: int, times: Times) -> None:
        """Visitors through AT_A_TIME doors: each opens the page, types so many texts, leaves."""
        doors = asyncio.Semaphore(AT_A_TIME)

        async def visit() -> None:
            async with doors:
                try:
                    async with self._visitor() as visitor:
                        times.reruns.append((await visitor.open()).ms)
                        for _ in range(n_texts):
                            await self.enter(visitor, Times())
                except BROKEN as error:
                    self.seen.errors[f"opening: {error or type(error).__name__}"] += 1

        await asyncio.gather(*(visit() for _ in range(count)))

    async def sit(
        self, visitor: Visitor, seconds: float, think: float, places: Sequence[str], times: Times
    ) -> None:
        """Think, type a text, look at a head of it; again, until the time is up. `think` is in
        seconds, a third less or more."""
        until = time.monotonic() + seconds
        while True:
            pause = think * self._chance.uniform(2 / 3, 4 / 3)
            if time.monotonic() + pause > until:
                return
            await asyncio.sleep(pause)
            if answer := await self.enter(visitor, times):
                await self.fetch(visitor, answer, self._chance.choice(places), times)
