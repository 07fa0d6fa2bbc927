"""What crosses the wire of a page: bytes, requests, how they were packed.

Asks Chromium itself, so headers and the websocket count. Knows no page.
"""

from typing import Any

from playwright.sync_api import Page


class Wire:
    """Counts from its making on; messages of the websocket as the page is handed them."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.sizes: list[float] = []
        self.encodings: set[str] = set()
        self.session.on("Network.loadingFinished", self._loaded)
        self.session.on("Network.webSocketFrameReceived", self._framed)
        self.session.on("Network.webSocketFrameSent", self._framed)
        self.session.on("Network.responseReceived", self._answered)
        self.session.send("Network.enable")

    @property
    def bytes(self) -> float:
        """All that came and went."""
        return sum(self.sizes)

    def close(self) -> None:
        """Stop listening, which costs the page a little."""
        self.session.detach()

    def _loaded(self, event: dict[str, Any]) -> None:
        self.sizes.append(event["encodedDataLength"])

    def _framed(self, event: dict[str, Any]) -> None:
        frame = event["response"]
        length = len(frame["payloadData"])
        self.sizes.append(length if frame["opcode"] == 1 else length * 3 / 4)

    def _answered(self, event: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in event["response"]["headers"].items()}
        self.encodings.add(headers.get("content-encoding", ""))
