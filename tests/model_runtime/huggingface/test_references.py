"""Names, addresses and paths are told apart; nothing that climbs gets through."""

import pytest

from model_runtime.errors import UnreadableReference
from model_runtime.huggingface.references import Reference, parse

COMMIT = "607a30d783dfa663caf39e06633721c8d4cfcd7e"


@pytest.mark.parametrize(
    ("text", "name", "revision"),
    [
        ("gpt2", "gpt2", None),
        ("  openai-community/gpt2\n", "openai-community/gpt2", None),
        ("org/name@main", "org/name", "main"),
        (f"org/name@{COMMIT}", "org/name", COMMIT),
        ("org/name@refs/pr/3", "org/name", "refs/pr/3"),
        ("org/name.v1_2-x", "org/name.v1_2-x", None),
        ("https://huggingface.co/org/name", "org/name", None),
        ("http://www.huggingface.co/org/name/", "org/name", None),
        ("huggingface.co/gpt2", "gpt2", None),
        ("https://hf.co/org/name?library=transformers#use", "org/name", None),
        ("https://huggingface.co/org/name/tree/v1.0", "org/name", "v1.0"),
        ("https://huggingface.co/org/name/tree/refs%2Fpr%2F3", "org/name", "refs/pr/3"),
        ("https://huggingface.co/org/name/blob/main/config.json", "org/name", "main"),
        ("https://huggingface.co/gpt2/tree/main", "gpt2", "main"),
        ("https://huggingface.co/org/name/discussions/4", "org/name", None),
        ("https://huggingface.co/org/name@main", "org/name", "main"),
    ],
)
def test_a_hub_model_by_name_or_by_its_page(text, name, revision):
    assert parse(text) == Reference("hub", name, revision)


@pytest.mark.parametrize(
    "text",
    [
        "/models/mine",
        "./mine",
        "../mine",
        ".",
        "..",
        "~/mine",
        "~",
        "/models/with @ and spaces/猫",
        "C:\\models\\mine",
        "D:/models",
        "\\\\server\\models",
    ],
)
def test_a_path_is_kept_as_it_was_typed(text):
    assert parse(f" {text} ") == Reference("local", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b/c",
        "my model",
        "猫",
        "-name",
        "name.",
        "a--b",
        "a..b",
        "name.git",
        "org/name@",
        "org/name@../../etc",
        "org/name@/etc/passwd",
        "org/name@a/../../b",
        "org/name@-x",
        "org/name@a b",
        "org/name@" + "a" * 201,
        "a" * 500,
        "org/na\0me",
        "/models/\0",
        "/models/\x1b[31m",
        "https://huggingface.co",
        "https://huggingface.co/",
        "https://huggingface.co/datasets/org/name",
        "https://huggingface.co/spaces/org/name",
        "https://huggingface.co/org/name/tree/..%2F..%2Fetc",
        "https://example.org/org/name",
        "file:///etc/passwd",
        "<img src=x>",
        "org/{ref}",
    ],
)
def test_anything_else_is_refused_with_both_forms(text):
    with pytest.raises(UnreadableReference) as raised:
        parse(text)
    assert raised.value.values["ref"] == text
    assert "organisation/name" in str(raised.value) and "./" in str(raised.value)


def test_a_reference_is_written_as_it_is_typed():
    assert str(Reference("hub", "org/name", "main")) == "org/name@main"
    assert str(Reference("local", "./mine")) == "./mine"
