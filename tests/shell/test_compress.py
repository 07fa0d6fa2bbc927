"""Scripts and styles go out packed, and unpack to what they were; nothing else is touched."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from shell import compress
from shell.compress import StaticGzip

BODY = b"const a = 1;\n" * 500
GZIP = {"accept-encoding": "gzip, deflate, br"}
PLAIN = {"accept-encoding": "identity"}
PATH = "/static/js/main.js"


def client(body=BODY, status=200, **headers):
    """A server with one answer, whatever is asked."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request):
        return Response(body, status, headers)

    routes = [Route("/{path:path}", answer, methods=["GET", "POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(StaticGzip)]))


def raw(response):
    """The bytes as they were sent, and whether they are the packed ones."""
    return response.headers.get("content-encoding"), int(response.headers["content-length"])


def test_a_components_script_is_packed():
    response = client().get("/api/component/tour-0123.js", headers=GZIP)
    assert (raw(response)[0], response.content) == ("gzip", BODY)


@pytest.mark.parametrize("suffix", compress.SUFFIXES)
def test_a_static_text_is_packed_and_unpacks_to_the_original(suffix):
    response = client().get(f"/static/x{suffix}", headers=GZIP)
    assert response.content == BODY
    assert raw(response) == ("gzip", len(gzip.compress(BODY, 9, mtime=0)))
    assert response.headers["vary"].lower() == "accept-encoding"


def test_it_works_under_a_base_path():
    assert raw(client().get("/base/static/x.js", headers=GZIP))[0] == "gzip"


def test_a_library_that_is_sent_from_here_is_packed_too():
    response = client().get("/api/plotly/7.1.0.js", headers=GZIP)
    assert (raw(response)[0], response.content) == ("gzip", BODY)


@pytest.mark.parametrize(
    ("path", "is_packed"),
    [
        ("/api/trace/x/encoder/0/1", False),
        ("/base/api/trace/x/encoder/0/1/5", False),
        ("/api/trace/x/encoder/0/1.npz", False),
        ("/api/trace/x/encoder/0/1.csv", True),
        ("/api/steps/x", True),
    ],
)
def test_numbers_are_not_packed_by_what_packs_all_else(path, is_packed):
    async def answer(request):
        return Response(BODY)

    inside = [Middleware(StaticGzip), Middleware(GZipMiddleware, minimum_size=1)]
    app = Starlette(routes=[Route("/{path:path}", answer)], middleware=inside)
    got = TestClient(app).get(path, headers=GZIP)
    assert got.content == BODY
    assert (got.headers.get("content-encoding") == "gzip") is is_packed


@pytest.mark.parametrize(
    "path", ["/", "/x.js", "/api/trace/x.json", "/static/x.png", "/static/x.woff2", "/static/"]
)
def test_other_paths_are_not_touched(path):
    assert raw(client().get(path, headers=GZIP)) == (None, len(BODY))


def test_who_takes_nothing_packed_gets_it_plain():
    response = client().get(PATH, headers=PLAIN)
    assert (raw(response), response.content) == ((None, len(BODY)), BODY)


@pytest.mark.parametrize("accepted", ["gzip;q=0", "identity, gzip;q=0", "br, gzip; q=0.0"])
def test_who_refuses_gzip_gets_it_plain(accepted):
    assert raw(client().get(PATH, headers={"accept-encoding": accepted}))[0] is None


def test_a_part_of_a_file_is_not_packed():
    response = client().get(PATH, headers=GZIP | {"range": "bytes=0-9"})
    assert raw(response) == (None, len(BODY))


def test_another_method_is_not_packed():
    assert raw(client().post(PATH, headers=GZIP)) == (None, len(BODY))


@pytest.mark.parametrize("status", [201, 206, 404, 500])
def test_another_status_is_not_packed(status):
    response = client(status=status).get(PATH, headers=GZIP)
    assert (response.status_code, raw(response)) == (status, (None, len(BODY)))
    assert response.content == BODY


def test_a_not_modified_stays_empty():
    response = client(b"", 304).get(PATH, headers=GZIP)
    assert (response.status_code, response.content) == (304, b"")
    assert "content-encoding" not in response.headers


def test_what_is_packed_already_is_not_packed_again():
    packed = client(gzip.compress(BODY), content_encoding="gzip")
    response = packed.get(PATH, headers=GZIP)
    assert response.headers.get_list("content-encoding") == ["gzip"]
    assert response.content == BODY


def test_an_answer_that_varies_already_says_both():
    response = client(vary="Origin").get(PATH, headers=GZIP)
    names = {name.strip().lower() for name in response.headers["vary"].split(",")}
    assert names == {"origin", "accept-encoding"}


def test_other_headers_stay():
    response = client(etag='"x"', cache_control="max-age=9").get(PATH, headers=GZIP)
    assert response.headers["cache-control"] == "max-age=9"


def test_an_answer_in_pieces_is_put_together():
    async def pieces(request):
        return StreamingResponse(iter([b"ab", b"", b"cd"]))

    app = Starlette(routes=[Route(PATH, pieces)], middleware=[Middleware(StaticGzip)])
    response = TestClient(app).get(PATH, headers=GZIP)
    assert response.content == b"abcd"
    assert response.headers["content-encoding"] == "gzip"


def test_a_file_is_packed_once_and_again_when_its_tag_changes(monkeypatch):
    packings = []
    real = gzip.compress

    def counted(body, **more):
        packings.append(body)
        return real(body, **more)

    monkeypatch.setattr(gzip, "compress", counted)
    tags = iter(['"a"', '"a"', '"b"'])
    bodies = iter([b"one", b"one", b"two"])

    async def answer(request):
        return Response(next(bodies), headers={"etag": next(tags)})

    app = Starlette(routes=[Route(PATH, answer)], middleware=[Middleware(StaticGzip)])
    got = [TestClient(app).get(PATH, headers=GZIP).content for _ in range(3)]
    assert got == [b"one", b"one", b"two"]
    assert len(packings) == 2


def test_no_more_is_kept_than_the_bound(monkeypatch):
    monkeypatch.setattr(compress, "MOST_BYTES", 50)
    middleware = StaticGzip(Starlette())
    for n in range(9):
        middleware._pack(str(n), bytes([n]) * 10)
        assert sum(map(len, middleware._packed.values())) <= 50
    assert list(middleware._packed)[-1] == "8"
    assert gzip.decompress(middleware._pack("large", bytes(range(256)))) == bytes(range(256))
