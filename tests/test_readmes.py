"""Both READMEs say the same: heading by heading, table by table, number by number.

A rule takes from a text what must not differ between the languages. Every rule is run over both
READMEs, and on two small texts that it must tell apart.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENGLISH, CHINESE = (ROOT / name for name in ("README.md", "README.zh.md"))

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(^|\s)\s*#.*")
LINK = re.compile(r"(!?)\[[^]]+]\(([^)\s]+)\)")
PATH = re.compile(r"]\([^)]*\)")
INLINE_CODE = re.compile(r"`([^`]+)`")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
ELSEWHERE = re.compile(r"[a-z]+:|#")


def prose(text: str) -> str:
    """The text without its code blocks, in which a # begins no heading."""
    return FENCED.sub("", text)


def sections(text: str) -> list[str]:
    """What stands between the headings."""
    return re.split(r"^#+ .*\n", prose(text), flags=re.MULTILINE)


def targets(text: str) -> list[tuple[str, str]]:
    """What is linked, as ("", path), and what is shown, as ("!", path)."""
    return [(kind, path) for kind, path in LINK.findall(prose(text))]


def files(text: str) -> list[str]:
    """The files that are linked or shown."""
    return [path for _, path in targets(text) if not ELSEWHERE.match(path)]


def in_chinese(path: str) -> str:
    """The Chinese version of a file, where there is one: card.zh.md of card.md."""
    translated = re.sub(r"(?<!\.zh)\.md$", ".zh.md", path)
    return translated if (ROOT / translated).is_file() else path


# --- what must be the same -----------------------------------------------------------------------


def headings(text: str) -> list[int]:
    """The levels of the headings, in order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", prose(text), re.MULTILINE)]


def code(text: str) -> list[tuple[str, list[str]]]:
    """Each code block's language and lines, without their comments: these are translated."""
    return [
        (language, [COMMENT.sub("", line).rstrip() for line in block.splitlines()])
        for language, block in FENCED.findall(text)
    ]


def links(text: str) -> list[list[tuple[str, str]]]:
    """Links and pictures of each section, of a translated file its English name."""
    return [
        sorted((kind, path.replace(".zh.md", ".md")) for kind, path in targets(section))
        for section in sections(text)
    ]


def tables(text: str) -> list[list[int]]:
    """Of each table, how many cells each row has."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", prose(text), re.MULTILINE)
    return [[row.count("|") - 1 for row in table.splitlines()] for table in found]


def identifiers(text: str) -> list[list[str]]:
    """What each section sets as code within its sentences: names, settings, commands."""
    return [sorted(INLINE_CODE.findall(section)) for section in sections(text)]


def numbers(text: str) -> list[list[str]]:
    """The numbers of each section, in any order: what was measured is measured once."""
    return [sorted(NUMBER.findall(PATH.sub("]", section))) for section in sections(text)]


RULES = [headings, code, links, tables, identifiers, numbers]


@pytest.mark.parametrize("rule", RULES)
def test_both_readmes_say_the_same(rule: Callable[[str], list[object]]) -> None:
    english, chinese = (rule(path.read_text("utf-8")) for path in (ENGLISH, CHINESE))
    assert english  # two empty lists agree, and show nothing
    assert chinese == english


@pytest.mark.parametrize(
    ("rule", "english", "chinese"),
    [
        (headings, "# One\n## Two\n## Three\n", "# 一\n## 二\n"),
        (headings, "# One\n## Two\n### Three\n", "# 一\n### 二\n## 三\n"),
        (code, "```sh\nmake run  # serve\n```\n", "```sh\nmake test  # 运行\n```\n"),
        (code, "```sh\nmake run\n```\n", "```python\nmake run\n```\n"),
        (links, "[why](docs/a.md)\n", "[为什么](docs/b.md)\n"),
        (links, "![heads](a.png)\n", "[头](a.png)\n"),
        (links, "[why](a.md)\n# One\n", "# 一\n[为什么](a.md)\n"),
        (tables, "| a | b |\n|---|---|\n| c | d |\n", "| 甲 | 乙 |\n|---|---|\n"),
        (tables, "| a | b |\n|---|---|\n", "| 甲 |\n|---|\n"),
        (identifiers, "takes `hub`\n", "可写 `枢纽`\n"),
        (numbers, "[of 277](a.md)\n", "[共 276 个](a.md)\n"),
        (numbers, "BLEU 35.2 (15.4)\n", "BLEU 35.3（15.4）\n"),
    ],
)
def test_a_rule_finds_a_difference(
    rule: Callable[[str], list[object]], english: str, chinese: str
) -> None:
    assert rule(english) != rule(chinese)


@pytest.mark.parametrize("rule", RULES)
def test_a_faithful_translation_passes(rule: Callable[[str], list[object]]) -> None:
    english = (
        "# One\nOf 9 models, `a` takes 7 ms: [card](card.md).\n"
        "```sh\n# first\nmake run  # serve\n```\n| key | does |\n|---|---|\n"
    )
    chinese = (
        "# 一\n`a` 用 7 ms，共 9 个模型：[卡片](card.zh.md)。\n"
        "```sh\n# 首先\nmake run    # 运行\n```\n| 按键 | 作用 |\n|---|---|\n"
    )
    assert rule(chinese) == rule(english)


# --- what is linked ------------------------------------------------------------------------------


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=lambda path: path.name)
def test_every_linked_file_exists(readme: Path) -> None:
    found = files(readme.read_text("utf-8"))
    assert found
    assert [path for path in found if not (ROOT / path).is_file()] == []


def test_each_readme_begins_with_a_link_to_the_other() -> None:
    """Directly below the title, before anything in a language the reader may not know."""
    english, chinese = (path.read_text("utf-8").splitlines() for path in (ENGLISH, CHINESE))
    assert english[2] == "English | [简体中文](README.zh.md)"
    assert chinese[2] == "[English](README.md) | 简体中文"


def test_the_chinese_readme_links_chinese_files_where_there_are_any() -> None:
    _, *found = files(CHINESE.read_text("utf-8"))  # the first is the English README
    assert found == [in_chinese(path) for path in found]
    assert in_chinese("README.md") == "README.zh.md"
    assert in_chinese("LICENSE") == "LICENSE"
