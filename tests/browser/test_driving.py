"""The watch over the browser can fail: without that, its silence would mean nothing."""

from tests.browser.driving import OpenContext, OpenPage, Watch


def test_only_the_server_may_be_asked() -> None:
    watch = Watch(host="127.0.0.1:8501")
    watch.requests += [
        "http://127.0.0.1:8501/static/app.js",
        "ws://127.0.0.1:8501/_stcore/stream",
        "data:image/png;base64,AA==",
        "blob:http://127.0.0.1:8501/1",
    ]
    assert watch.problems() == []
    watch.requests += ["https://fonts.example/inter.woff2", "http://127.0.0.1:9999/"]
    assert watch.problems() == [
        "request to another host: https://fonts.example/inter.woff2",
        "request to another host: http://127.0.0.1:9999/",
    ]


def test_an_error_counts_unless_it_is_expected() -> None:
    watch = Watch(host="127.0.0.1:8501")
    watch.errors.append("Failed to load resource: 404 (http://127.0.0.1:8501/x:0)")
    assert len(watch.problems()) == 1
    watch.expected_errors.append(r"\b404\b")
    assert watch.problems() == []


def test_errors_and_strangers_are_seen_in_a_real_page(
    browser_context: OpenContext, watch: Watch
) -> None:
    tab = browser_context().new_page()
    tab.goto("/_stcore/health")
    tab.evaluate("console.error('said aloud')")
    tab.evaluate("setTimeout(() => { throw new Error('thrown later') })")
    tab.evaluate("fetch('http://elsewhere.example/').catch(() => 0)")
    tab.evaluate("new WebSocket('ws://elsewhere.example/socket')")
    tab.wait_for_timeout(200)
    found = watch.problems()
    for sign in ("said aloud", "thrown later", "http://elsewhere", "ws://elsewhere"):
        assert any(sign in problem for problem in found), sign
    watch.errors.clear()
    watch.requests.clear()


def test_a_page_has_the_look_asked_for(page: OpenPage) -> None:
    tab = page("/", locale="zh-CN", viewport=(640, 480), color_scheme="dark")
    assert tab.evaluate("navigator.language") == "zh-CN"
    assert tab.evaluate("innerWidth") == 640
    assert tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
