"""One visitor of the app without a browser: Streamlit's websocket, and the route of the heads.

Sends and keeps what Streamlit's page does; draws nothing. Knows neither torch nor the models.
"""

import asyncio
import json
import struct
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx2
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

SECONDS = 60.0  # that an answer may take before it counts as none
KEPT_RUNS = 2  # a page forgets a message that was not of use in so many runs
TEXT_BOX = "-text"  # the end of the id that Streamlit gives the widget with the key "text"
PICTURE = "headlight_attention"
PROTOCOL = Subprotocol("streamlit")
FINISHED = ForwardMsg.FINISHED_SUCCESSFULLY


class Failed(Exception):
    """The app did not answer as it should: what went wrong, in a word."""


@dataclass(frozen=True)
class Answer:
    """What a run sent: how long until its end, and what the picture says."""

    ms: float
    n_bytes: int  # of all messages
    n_messages: int
    asked: str  # the text that was traced, and the target's after a zero character
    rows: tuple[str, ...]  # of the encoder's picture: the tokens that the model read
    api: str  # where heads are to be had

    @property
    def text(self) -> str:
        """The text alone."""
        return self.asked.partition("\0")[0]


class Visitor:
    """A session of its own. Use it as a context: it leaves at the end."""

    def __init__(self, address: str, http: httpx2.AsyncClient, name: str) -> None:
        self.name = name
        self.n_said = 0
        self._address = address
        self._http = http
        self._known: dict[str, tuple[ForwardMsg, int]] = {}
        self._query = ""
        self._text_box = ""
        self._runs = 0
        self.came: list[bytes] = []  # the messages of the last run

    async def __aenter__(self) -> Self:
        url = self._address.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket: ClientConnection = await connect(
            url, subprotocols=[PROTOCOL], max_size=None, compression=None, open_timeout=SECONDS
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._socket.close()

    async def open(self) -> Answer:
        """The first run, that of a page that was just opened. Raises Failed and TimeoutError, as
        `enter` does."""
        async with asyncio.timeout(SECONDS):
            return await self._run("")

    async def enter(self, text: str) -> Answer:
        """A text typed and entered: from the message that is sent to the run's last one."""
        async with asyncio.timeout(SECONDS):
            return await self._run(text)

    async def head(self, api: str, place: str) -> tuple[float, int, bytes]:
        """(milliseconds, HTTP status, frame) of a head: "encoder/0/1"."""
        start = time.perf_counter()
        answer = await self._http.get(f"{self._address}/{api}/{place}", timeout=SECONDS)
        return (time.perf_counter() - start) * 1000, answer.status_code, answer.content

    async def _run(self, text: str) -> Answer:
        self._runs += 1
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self._query
        state.context_info.locale = "en-US"
        state.context_info.timezone = "UTC"
        state.context_info.url = f"{self._address}/"
        state.cached_message_hashes.extend(self._known)
        if text:
            state.widget_states.widgets.add(id=self._text_box, string_value=text)
        start = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        self.came = []
        payload = b""
        while True:
            self.came.append(await self._socket.recv(decode=False))
            heard = self._heard(self.came[-1])
            kind = heard.WhichOneof("type")
            if kind == "delta" and heard.delta.WhichOneof("type") == "new_element":
                payload = self._element(heard) or payload
            elif kind == "page_info_changed":
                self._query = heard.page_info_changed.query_string
            elif kind == "script_finished":
                if heard.script_finished == FINISHED:
                    break
                # A run that another took the place of ends early; that other one answers.
                if heard.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    raise Failed("the script failed")
        took = (time.perf_counter() - start) * 1000
        self._known = {h: k for h, k in self._known.items() if k[1] > self._runs - KEPT_RUNS}
        return _answer(payload, took, self.came)

    def _heard(self, came: bytes) -> ForwardMsg:
        """A message, or the known one that it stands for."""
        message = ForwardMsg.FromString(came)
        if message.WhichOneof("type") == "ref_hash":
            message = self._known[message.ref_hash][0]
        if message.metadata.cacheable:
            self._known[message.hash] = (message, self._runs)
        return message

    def _element(self, message: ForwardMsg) -> bytes:
        """What an element tells a visitor: the picture's payload, or nothing. Raises Failed for
        an error or a warning."""
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in ("exception", "alert"):
            raise Failed(f"the page shows an {kind}")
        if kind == "text_input" and element.text_input.id.endswith(TEXT_BOX):
            self._text_box = element.text_input.id
        if kind == "bidi_component" and element.bidi_component.component_name == PICTURE:
            return bytes(element.bidi_component.bytes)
        return b""


def _answer(payload: bytes, ms: float, came: list[bytes]) -> Answer:
    """What the header of a payload says. Raises Failed where there is none."""
    if not payload:
        raise Failed("no picture")
    (size,) = struct.unpack_from("<I", payload)
    header = json.loads(payload[4 : 4 + size])
    rows = tuple(row["text"] for row in header["stacks"][0]["rows"])
    return Answer(ms, sum(map(len, came)), len(came), header["asked"], rows, header["api"])
