"""Every page begins with the script that knows its look; nothing else is touched."""

import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from shell import first_look
from shell.first_look import FirstLook

PAGE = "<!doctype html><html><head><title>a <head> in a title</title></head><body></body></html>"
BROWSER = {"accept": "text/html,application/xhtml+xml", "accept-encoding": "gzip"}


def client(body=PAGE, status=200, media_type="text/html", **headers):
    """A server with one answer, which it packs for who takes it so, and what it was asked."""
    asked = []

    async def answer(request):
        asked.append(dict(request.headers))
        return Response(body, status, headers, media_type)

    routes = [Route("/{path:path}", answer, methods=["GET", "POST"])]
    inside = [Middleware(FirstLook), Middleware(GZipMiddleware, minimum_size=1)]
    return TestClient(Starlette(routes=routes, middleware=inside)), asked


def test_the_script_stands_first_in_the_head_and_once():
    browser, _asked = client()
    got = browser.get("/steps", headers=BROWSER)
    begins = f"<!doctype html><html><head><script>{first_look.SCRIPT}</script><title>"
    assert got.text.startswith(begins)
    assert got.text.count(first_look.SCRIPT) == 1
    assert got.text.replace(f"<script>{first_look.SCRIPT}</script>", "") == PAGE
    assert int(got.headers["content-length"]) == len(got.content)


def test_the_front_page_and_no_other_says_where_the_module_of_its_picture_is():
    app = Starlette(
        routes=[Route("/{path:path}", lambda _: Response(PAGE, media_type="text/html"))],
        middleware=[Middleware(FirstLook, picture="api/component/x.js")],
    )
    link = '<link rel="modulepreload" href="api/component/x.js">'
    for path, n in (("/", 1), ("/?text=a", 1), ("/base/", 1), ("/steps", 0)):
        assert TestClient(app).get(path, headers=BROWSER).text.count(link) == n


def test_a_page_is_always_sent_whole_for_its_script_may_have_changed():
    browser, asked = client(etag='"streamlit"')
    got = browser.get("/", headers={**BROWSER, "if-none-match": '"streamlit"'})
    assert got.status_code == 200
    assert "etag" not in got.headers
    assert "if-none-match" not in asked[0]


@pytest.mark.parametrize(
    ("body", "status", "media_type"),
    [(PAGE, 200, "application/json"), (PAGE, 404, "text/html"), ("a <head>", 200, "text/plain")],
)
def test_what_is_no_page_stays_as_it_is(body, status, media_type):
    browser, _asked = client(body, status, media_type)
    assert browser.get("/api/x", headers=BROWSER).text == body


def test_an_answer_to_a_post_stays_as_it_is():
    browser, _asked = client()
    assert browser.post("/", headers=BROWSER).text == PAGE


def test_who_asks_for_no_page_may_still_be_told_that_nothing_changed():
    browser, asked = client("{}", media_type="application/json")
    browser.get("/api/x", headers={"accept": "*/*", "if-none-match": '"a"'})
    assert asked[0]["if-none-match"] == '"a"'


def test_the_script_cannot_end_early():
    assert not re.search("</script|<!--", first_look.SCRIPT, re.IGNORECASE)
