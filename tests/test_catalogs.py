"""The translations are complete and can be filled in; the checker itself can fail."""

import gettext
import sys
from pathlib import Path

import pytest
from babel.messages import Catalog

from scripts import catalogs


def test_catalogs_are_complete_and_up_to_date() -> None:
    complaints = catalogs.check()
    assert not complaints, "\n".join(complaints)


def entry(source: str | tuple[str, str], translation: str, comment: str = "") -> list[str]:
    """What the checker says of one entry."""
    string = translation if isinstance(source, str) else (translation,)
    return catalogs.wrong(
        Catalog(locale="zh_CN").add(source, string, user_comments=[comment] if comment else [])
    )


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("key", "键"),
        ("{n} tokens of {model}", "{model} 的 {n} 个词元"),
        ("%(n)s tokens", "%(n)s 个词元"),
        ("{share:.2f} of the row", "占该行的 {share:.2f}"),
        ("q·k", "q·k"),
        ("L{layer} H{head}", "L{layer} H{head}"),
    ],
)
def test_a_good_entry_passes(source: str, translation: str) -> None:
    assert entry(source, translation) == []


def test_a_plural_has_the_placeholders_of_many() -> None:
    assert entry(("one token", "{n} tokens"), "{n} 个词元") == []
    assert entry(("one token", "{n} tokens"), "一个词元") == ["other placeholders than the source"]


@pytest.mark.parametrize(
    ("source", "translation"),
    [("{n} tokens", "{m} 个词元"), ("{n} tokens", "词元"), ("%(n)s tokens", "%(m)s 个词元")],
)
def test_a_lost_placeholder_is_found(source: str, translation: str) -> None:
    assert entry(source, translation) == ["other placeholders than the source"]


def test_an_entry_left_in_english_is_found_unless_a_translator_meant_it() -> None:
    assert entry("share", "share") == ["no Chinese in it (if that is meant: a comment '# same')"]
    assert entry("softmax", "softmax", comment="same: the usual word") == []


def test_missing_fuzzy_and_superfluous_entries_are_found() -> None:
    source, catalog = Catalog(), Catalog(locale="zh_CN")
    source.add("query")
    source.add("key")
    source.add("map", context="picture")
    catalog.add("key", "键", flags=["fuzzy"])
    catalog.add("gone", "没了")
    catalog.add("map", "图")
    assert catalogs.problems(source, catalog) == [
        "not in the catalog: 'map' (picture)",
        "not in the catalog: 'query'",
        "no longer in the source: 'gone'",
        "no longer in the source: 'map'",
        "fuzzy: 'key'",
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one page and no catalogs."""
    page = tmp_path / "pages" / "one.py"
    page.parent.mkdir()
    page.write_text('_("a page")\nngettext("{n} head", "{n} heads", 2)\n', "utf-8")
    return tmp_path


def test_nothing_to_translate_needs_no_catalog(tmp_path: Path) -> None:
    assert catalogs.check(tmp_path) == []


def test_from_source_to_translated_text(project: Path) -> None:
    po = catalogs.po_path("zh_CN", project)
    assert catalogs.check(project) == [
        "locale/headlight.pot: is missing",
        "locale/zh_CN/LC_MESSAGES/headlight.po: is missing",
    ]

    catalogs.update(project)
    assert [problem.split(": ", 1)[1] for problem in catalogs.check(project)] == [
        "not translated: 'a page'",
        "not translated: '{n} head'",
    ]

    text = po.read_text("utf-8")
    text = text.replace('msgid "a page"\nmsgstr ""', 'msgid "a page"\nmsgstr "一页"')
    po.write_text(text.replace('msgstr[0] ""', 'msgstr[0] "{n} 个头"'), "utf-8")
    assert catalogs.check(project) == []

    catalogs.update(project)
    assert catalogs.check(project) == []  # a second update loses nothing
    catalogs.compile_catalog(po)
    chinese = gettext.translation("headlight", project / "locale", ["zh_CN"])
    assert chinese.gettext("a page") == "一页"
    assert chinese.ngettext("{n} head", "{n} heads", 2) == "{n} 个头"

    page = project / "pages" / "one.py"
    page.write_text('_("another page")\n', "utf-8")
    assert catalogs.check(project)[0] == "locale/headlight.pot: out of date"
    catalogs.update(project)
    assert "一页" not in po.read_text("utf-8")  # what is not used any more is dropped, not kept


def test_the_command_line_says_what_to_do(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogs, "check", lambda: ["headlight.po: not translated: 'key'"])
    monkeypatch.setattr(sys, "argv", ["catalogs.py", "check"])
    with pytest.raises(SystemExit, match="make catalogs"):
        catalogs.main()
