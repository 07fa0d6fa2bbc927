"""The translation catalogs: bring them up to date, check them, compile them.

    python scripts/catalogs.py update | check | compile [FILE.po …]

English is the source and has no catalog. The template `locale/headlight.pot` and the translations
`locale/<language>/LC_MESSAGES/headlight.po` are kept in git without dates and line numbers, so
that they change only when a text does. Knows gettext and Babel; nothing of what the texts say.
"""

import argparse
import io
import re
import sys
from collections import Counter
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
DOMAIN = "headlight"
LANGUAGES = ("zh_CN",)
HEADER = "# Texts of Headlight. Licensed like Headlight: Apache-2.0."

# {name}, {name:.2f}, {} and %(name)s: what a text must keep to be filled in.
PLACE = re.compile(r"\{([A-Za-z_][\w.]*|)(?:![rsa])?(?::[^{}]*)?\}|%\((\w+)\)[a-z]")
CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
WORD = re.compile(r"[A-Za-z]{2,}")  # single letters are symbols: q·k, L3 H5
SAME = "same"  # a translator's comment that begins so: the translation is meant to have no Chinese


def template_path(root: Path = ROOT) -> Path:
    """Where the template of all texts lies."""
    return root / "locale" / f"{DOMAIN}.pot"


def po_path(language: str, root: Path = ROOT) -> Path:
    """Where the translations into `language` lie."""
    return root / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def extracted(root: Path = ROOT) -> Catalog:
    """All texts of the project, read from its source as babel.cfg says."""
    methods, options = parse_mapping_cfg(io.StringIO((ROOT / "babel.cfg").read_text("utf-8")))
    catalog = empty()
    found = extract_from_dir(
        str(root), methods, options, DEFAULT_KEYWORDS, comment_tags=("Translators:",)
    )
    for filename, _line, text, comments, context in sorted(found, key=lambda f: (f[0], f[1])):
        catalog.add(text, None, [(filename, 1)], auto_comments=comments, context=context)
    return catalog


def empty(language: str | None = None) -> Catalog:
    """A catalog without entries."""
    return Catalog(locale=language, domain=DOMAIN, header_comment=HEADER, fuzzy=False)


def read(path: Path, language: str) -> Catalog:
    """The catalog in a .po file."""
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def written(catalog: Catalog, language: str | None = None) -> str:
    """The text of a .po file, or of the template: no dates, no line numbers, source order."""
    buffer = io.BytesIO()
    # Babel writes the date of the moment and its own version; neither says anything of the texts.
    write_po(buffer, catalog, width=100, omit_header=True, include_lineno=False)
    headers = {
        "Project-Id-Version": "Headlight",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    if language:
        headers["Language"] = language
        headers["Plural-Forms"] = catalog.plural_forms
    lines = [HEADER, 'msgid ""', 'msgstr ""']
    lines += [f'"{name}: {value}\\n"' for name, value in headers.items()]
    return "\n".join(lines) + "\n\n" + buffer.getvalue().decode("utf-8").rstrip("\n") + "\n"


def update(root: Path = ROOT) -> None:
    """Write the template, and bring every translation up to date with the source.

    New entries are empty, never guessed from similar ones; entries no longer used are dropped.
    """
    template = extracted(root)
    template_path(root).parent.mkdir(parents=True, exist_ok=True)
    template_path(root).write_text(written(template), "utf-8")
    for language in LANGUAGES:
        path = po_path(language, root)
        catalog = read(path, language) if path.exists() else empty(language)
        catalog.update(template, no_fuzzy_matching=True, keep_user_comments=True)
        catalog.obsolete.clear()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(catalog, language), "utf-8")


def compile_catalog(path: Path) -> None:
    """Write the .mo file that gettext reads, beside the .po file."""
    catalog = read(path, path.parent.parent.name)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)


def problems(source: Catalog, catalog: Catalog) -> list[str]:
    """What is wrong with a translation of the texts in `source`, a sentence each."""
    wanted = {key(message) for message in source if message.id}
    known = {key(message) for message in catalog if message.id}
    found = [f"not in the catalog: {name(k)}" for k in sorted(wanted - known, key=str)]
    found += [f"no longer in the source: {name(k)}" for k in sorted(known - wanted, key=str)]
    found += [f"obsolete entry: {name(key(message))}" for message in catalog.obsolete.values()]
    for message in catalog:
        if message.id and key(message) in wanted:
            found += [f"{problem}: {name(key(message))}" for problem in wrong(message)]
    return found


def wrong(message: Message) -> list[str]:
    """What is wrong with one entry of a Chinese catalog."""
    source = message.id[-1] if isinstance(message.id, list | tuple) else message.id
    string = message.string
    forms = [form or "" for form in (string if isinstance(string, list | tuple) else [string])]
    if not all(forms):
        return ["not translated"]
    found = ["fuzzy"] if message.fuzzy else []
    for form in forms:
        if places(form) != places(source):
            found.append("other placeholders than the source")
        same = any(comment.strip().startswith(SAME) for comment in message.user_comments)
        if WORD.search(PLACE.sub("", source)) and not CHINESE.search(form) and not same:
            found.append(f"no Chinese in it (if that is meant: a comment '# {SAME}')")
    return found


def places(text: str) -> Counter[str]:
    """The names of the placeholders in a text, each with how often it occurs."""
    return Counter(braced or percent for braced, percent in PLACE.findall(text))


def key(message: Message) -> tuple[str | None, str | tuple[str, ...]]:
    """What tells entries apart: context and text, with its plural."""
    text = tuple(message.id) if isinstance(message.id, list | tuple) else message.id
    return message.context, text


def name(k: tuple[str | None, str | tuple[str, ...]]) -> str:
    """An entry as it is shown in a complaint."""
    context, text = k
    shown = repr(text if isinstance(text, str) else text[0])
    return f"{shown} ({context})" if context else shown


def check(root: Path = ROOT) -> list[str]:
    """What is wrong with the template and the translations in git.

    Nothing, as long as there is no text to translate.
    """
    source = extracted(root)
    if not len(source) and not template_path(root).exists():
        return []
    found = []
    for path in (template_path(root), *(po_path(language, root) for language in LANGUAGES)):
        if not path.exists():
            found.append(f"{path.relative_to(root)}: is missing")
    if found:
        return found
    if template_path(root).read_text("utf-8") != written(source):
        found.append(f"{template_path(root).relative_to(root)}: out of date")
    for language in LANGUAGES:
        path = po_path(language, root)
        found += [
            f"{path.relative_to(root)}: {problem}"
            for problem in problems(source, read(path, language))
        ]
    return found


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python scripts/catalogs.py")
    parser.add_argument("action", choices=["update", "check", "compile"])
    parser.add_argument("files", nargs="*", type=Path, help="for compile; all without")
    arguments = parser.parse_args()
    if arguments.action == "update":
        update()
    elif arguments.action == "compile":
        for path in arguments.files or [po_path(language) for language in LANGUAGES]:
            compile_catalog(path)
    elif found := check():
        sys.exit("\n".join([*found, "Bring them up to date with `make catalogs`, then translate."]))


if __name__ == "__main__":
    main()
