"""Views over HTTP: frames and files of the numbers shown, each in its reader's language."""

import asyncio
import csv
import gettext
import importlib.metadata
import io
import re
import threading
from urllib.parse import quote

import httpx2
import numpy as np
import plotly.offline
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from model_runtime import catalog, tracing
from shell import cache, language, positions, routes_positions
from shell.cache import TraceStore
from shell.compress import StaticGzip
from shell.positions import Asked
from shell.routes_positions import LIBRARY, ROUTES
from tests.viz.positions.seen import decoded, panels
from viz import charts, heatmap
from viz.positions import sections
from viz.positions.page import VIEWS
from viz.theme import palette

# Known by their names in the store.
TRACED = {
    "letters": ("builtin:induction", ""),
    "added": ("builtin:translator", ""),
    "formulas": ("builtin:writer", "= + - @ x"),
}
CHINESE = "〔中〕"


class Marked(gettext.NullTranslations):
    """A language in which every sentence begins with a mark, whatever is translated so far."""

    def gettext(self, message):
        return CHINESE + message


@pytest.fixture(scope="module")
def store():
    made = TraceStore(9, 10**12)
    for name, (ref, text) in TRACED.items():
        model = catalog.open_model(ref)
        made.put(name, tracing.trace(model, text or model.info.examples[0]))
    return made


@pytest.fixture
def app(store, monkeypatch):
    monkeypatch.setattr(routes_positions, "TRACES", store)
    assert cache.TRACES is not store
    return Starlette(routes=ROUTES, middleware=[Middleware(StaticGzip)])


@pytest.fixture
def client(app):
    return TestClient(app, raise_server_exceptions=True)


@pytest.fixture
def marked(monkeypatch):
    """Chinese sentences are those with a mark."""
    catalogs = {"en": gettext.NullTranslations(), "zh": Marked()}
    monkeypatch.setattr(language, "_catalog", catalogs.__getitem__)


def words(header):
    """All sentences of a frame that are in a language."""
    found = [control["label"] for control in header["controls"]]
    for section in filter(None, header["sections"]):
        found += [section["title"], *section["text"]]
        found += [panel["about"] for panel in section["panels"] if panel["about"]]
    return found


def rows_of(response):
    """The lines of a CSV; Excel's byte order mark is read and dropped."""
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


# ── Frames and files ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("trace", ["letters", "added"])
def test_the_frame_of_a_view_is_the_view(client, store, trace, view):
    response = client.get(f"/api/positions/{trace}/{view}?lang=en")
    asked = Asked(store.get(trace), {})
    expected = sections.answer(positions.view(view, asked), "light", str)
    assert response.content == expected
    assert response.headers["content-type"] == "application/octet-stream"


def test_an_address_sets_the_controls_and_what_does_not_fit_is_said(client):
    header = decoded(client.get("/api/positions/letters/sinusoidal?d=8&n=4&dims=1&at=x").content)
    assert (header["values"]["d"], header["values"]["n"]) == (8, 4)
    assert len(header["problems"]) == 2  # of "x", and of the positions that 4 rows have not
    (table,) = [p for p in header["sections"][0]["panels"] if p["name"] == "sinusoidal-table"]
    expected = [[np.sin(p), np.cos(p)] for p in range(4)]
    np.testing.assert_allclose(table["cells"][:, :2], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("only", "shown"),
    [
        ("0", {0}),
        ("2,1", {1, 2}),
        ("", set()),
        ("x", set()),
        ("-1,1e0,٣,²,0x1, 1", set()),
        ("77", set()),
        ("9" * 5000, set()),
        ("0," + "9" * 5000, {0}),
    ],
)
def test_only_the_sections_that_are_asked_for_are_made(client, only, shown):
    response = client.get("/api/positions/letters/sinusoidal", params={"only": only})
    found = decoded(response.content)["sections"]
    assert {number for number, section in enumerate(found) if section} == shown
    assert len(found) == 5


@pytest.mark.parametrize("ground", ["light", "dark", "", "<b>"])
def test_charts_have_the_colours_of_the_ground(client, ground):
    response = client.get("/api/positions/letters/sinusoidal", params={"ground": ground})
    panels_ = [p for one in decoded(response.content)["sections"] for p in one["panels"]]
    inks = {p["layout"]["font"]["color"] for p in panels_ if p["kind"] == "chart"}
    assert inks == {palette("dark" if ground == "dark" else "light")["ink"]}


@pytest.mark.parametrize("view", VIEWS)
def test_every_picture_of_a_view_is_a_file_of_all_its_numbers(client, store, view):
    own = positions.view(view, Asked(store.get("letters"), {}))
    for name, panel in panels((own.sections, own.problems)).items():
        response = client.get(f"/api/positions/letters/{view}/{name}.csv")
        if not isinstance(panel, charts.Chart | heatmap.HeatMap):
            assert response.status_code == 404
            continue
        module = charts if isinstance(panel, charts.Chart) else heatmap
        assert response.content.decode("utf-8-sig") == module.as_csv(panel)
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        disposition = f'attachment; filename="headlight-{name}.csv"'
        assert response.headers["content-disposition"] == disposition


def test_no_cell_of_a_csv_is_a_formula(client):
    lines = rows_of(client.get("/api/positions/formulas/sentence/without-before.csv"))
    assert {"'=", "'+", "'-", "'@", "x"} < set(lines[0])
    for names in (lines[0], [line[0] for line in lines]):
        assert not any(name.startswith(("=", "+", "-", "@")) for name in names)


def test_nobody_in_between_keeps_what_is_somebodys(client):
    for address in ("letters/rotary", "letters/rotary/rotary-scores.csv"):
        headers = client.get(f"/api/positions/{address}").headers
        assert headers["cache-control"].startswith("private")
        assert headers["x-content-type-options"] == "nosniff"


# ── What is not there ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["gone", "LETTERS", "letters ", "%00", "☃", "a" * 5000])
@pytest.mark.parametrize("rest", ["rotary", "nothing", "rotary/rotary-scores.csv"])
def test_a_trace_that_is_not_kept_is_gone(client, name, rest):
    assert client.get(f"/api/positions/{quote(name, safe='%')}/{rest}").status_code == 410


@pytest.mark.parametrize("view", ["nothing", "Rotary", "rotary ", "%00", "☃", "__class__", "-"])
def test_a_view_that_there_is_not_is_not_found(client, view):
    for file in ("", "/rotary-scores.csv"):
        address = f"/api/positions/letters/{quote(view, safe='%')}{file}"
        assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "file",
    ["nothing.csv", "rotary-scores", "rotary-scores.npz", "rotary-moved.csv", "%00.csv", "☃",
     ".csv", "sinusoidal-table.csv", "a" * 5000 + ".csv", "rotary-scores.csv%0A"],
)  # fmt: skip
def test_a_picture_that_there_is_not_is_not_found(client, file):
    response = client.get(f"/api/positions/letters/rotary/{quote(file, safe='%')}")
    assert response.status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_written(client, method):
    assert getattr(client, method)("/api/positions/letters/rotary").status_code == 405
    assert getattr(client, method)(f"/{LIBRARY}").status_code == 405


# ── Languages ────────────────────────────────────────────────────────────────────────


def test_a_chinese_reader_is_answered_in_chinese(client):
    def title(lang):
        header = decoded(client.get(f"/api/positions/letters/learned?lang={lang}").content)
        return header["sections"][0]["title"]

    assert title("en") == "Not of this model"
    assert re.search("[\u4e00-\u9fff]", title("zh"))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("lang", "is_chinese"),
    [("zh", True), ("zh-CN", True), ("en", False), ("de", False), ("", False)],
)
def test_every_sentence_is_in_the_language_that_is_asked_for(
    client, marked, view, lang, is_chinese
):
    for trace in ("letters", "added"):
        response = client.get(f"/api/positions/{trace}/{view}", params={"lang": lang, "n": "x"})
        header = decoded(response.content)
        said = words(header) + header["problems"]
        names = {"ALiBi"}  # which are the same in both
        assert {CHINESE in one for one in said if one not in names} == {is_chinese}
    assert language.current() == "en"


def test_a_file_is_in_the_language_that_is_asked_for(client, marked):
    for lang, mark in (("zh", CHINESE), ("en", "")):
        response = client.get(f"/api/positions/letters/rotary/rotary-circle.csv?lang={lang}")
        assert rows_of(response)[0] == ["line", f"{mark}dimension 0", f"{mark}dimension 1"]


def test_of_readers_at_once_each_is_answered_in_their_own_language(app, marked, monkeypatch):
    langs, real = ["en", "zh"] * 4, positions.view
    together = threading.Barrier(len(langs))

    def view(name, asked):
        together.wait(30)  # all have said their language before any is answered
        return real(name, asked)

    async def ask():
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as browser:
            wanted = [f"/api/positions/letters/rotary?lang={lang}" for lang in langs]
            return await asyncio.gather(*map(browser.get, wanted))

    monkeypatch.setattr(positions, "view", view)
    for lang, response in zip(langs, asyncio.run(ask()), strict=True):
        said = words(decoded(response.content))
        assert {CHINESE in one for one in said} == {lang == "zh"}


# ── Plotly's script ──────────────────────────────────────────────────────────────────


def test_plotlys_script_is_the_one_that_is_installed_and_may_be_kept_for_ever(client):
    response = client.get(f"/{LIBRARY}", headers={"accept-encoding": "identity"})
    assert LIBRARY == f"api/plotly/{importlib.metadata.version('plotly')}.js"
    assert response.text == plotly.offline.get_plotlyjs()
    assert response.headers["content-type"].startswith("text/javascript")
    caching = response.headers["cache-control"].split(", ")
    assert {"public", "immutable", "max-age=31536000"} == set(caching)
    assert client.get("/api/plotly/0.0.0.js").status_code == 404


def test_plotlys_script_goes_out_packed(client):
    plain = client.get(f"/{LIBRARY}", headers={"accept-encoding": "identity"})
    packed = client.get(f"/{LIBRARY}", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.content == plain.content
    assert packed.headers["cache-control"] == plain.headers["cache-control"]
