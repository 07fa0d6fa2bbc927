"""Local folders: what lies in the roots is found, and nothing outside them, by no way round."""

import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from model_runtime.errors import (
    Corrupt,
    HubOff,
    NoSafetensors,
    NotACheckpoint,
    NotAFolder,
    NotFoundHere,
    OutsideRoots,
    TooLarge,
)
from model_runtime.huggingface.finding import find, known, licence
from model_runtime.huggingface.references import parse
from model_runtime.settings import settings
from tests.model_runtime.reference import NASTY


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A root with the checkpoint `mine`, beside a checkpoint that is none of our business."""
    found = tmp_path / "root"
    checkpoint(found / "mine")
    checkpoint(tmp_path / "secret")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADLIGHT_LOCAL_ROOTS", str(found))
    settings.cache_clear()
    yield found
    settings.cache_clear()


def checkpoint(folder):
    """The least that is one: a config and weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    save_file({"a": np.zeros(4, dtype=np.float32)}, folder / "model.safetensors")
    return folder


def opened(ref):
    return find(parse(str(ref)), lambda _: None)


def test_a_folder_in_the_root_is_found(root):
    found = opened(root / "mine")
    assert (found.folder, found.name, found.revision) == (root / "mine", "mine", "")
    assert found.ref == str(root / "mine")


@pytest.mark.parametrize(
    "way", ["./root/mine", "root/../root/mine", "./secret/../root/mine", "root/mine/../mine/."]
)
def test_the_same_folder_by_another_way(root, way):
    assert opened(f"./{way}").folder == root / "mine"


def test_a_folder_of_the_home_directory(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    assert opened("~/root/mine").folder == root / "mine"


def test_a_link_within_the_root_and_a_root_that_is_a_link(root, monkeypatch):
    (root / "again").symlink_to(root / "mine")
    assert opened(root / "again").folder == root / "mine"
    (root.parent / "models").symlink_to(root)
    monkeypatch.setenv("HEADLIGHT_LOCAL_ROOTS", str(root.parent / "models"))
    settings.cache_clear()
    assert opened("./models/mine").folder == root / "mine"


def test_the_root_itself_may_be_the_checkpoint(root, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_LOCAL_ROOTS", str(root / "mine"))
    settings.cache_clear()
    assert opened(root / "mine").name == "mine"


# --- outside -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "way",
    [
        "./secret",
        "./root/../secret",
        "./root/mine/../../secret",
        "./root/..",
        "./rootless",
        "..",
        "/",
        "/etc",
        "~",
        "~nobody-of-this-name/x",
        "\\\\server\\models",
        "C:\\models",
    ],
)
def test_a_path_out_of_the_root_is_refused_however_it_is_written(root, way):
    with pytest.raises(OutsideRoots):
        opened(way)


def test_a_link_out_of_the_root_is_refused(root):
    (root / "link").symlink_to(root.parent / "secret")
    with pytest.raises(OutsideRoots):
        opened(root / "link")
    (root / "deep").symlink_to(root.parent)
    with pytest.raises(OutsideRoots):
        opened(root / "deep" / "secret")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_file_that_is_a_link_out_of_the_root_is_refused(root, name):
    secret = root.parent / "secret" / "model.safetensors"
    (root / "mine" / name).unlink(missing_ok=True)
    (root / "mine" / name).symlink_to(secret)
    with pytest.raises(OutsideRoots, match=name):
        opened(root / "mine")


def test_links_that_run_in_a_circle_lead_nowhere(root):
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    with pytest.raises((NotFoundHere, OutsideRoots)):
        opened(root / "a")


def test_whether_there_is_something_outside_is_not_said(root):
    said = []
    for way in ("./secret", "./nothing"):
        with pytest.raises(OutsideRoots) as raised:
            opened(way)
        said.append(str(raised.value).replace(way, "…"))
    assert said[0] == said[1]
    assert "./root" in said[0] and "HEADLIGHT_LOCAL_ROOTS" in said[0]
    assert str(root.parent) not in said[0]  # nor where on this machine all that is


def test_without_roots_nothing_local_opens(root, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_LOCAL_ROOTS", "")
    settings.cache_clear()
    with pytest.raises(OutsideRoots):
        opened(root / "mine")


# --- within, but no checkpoint -------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_said_with_those_that_are(root):
    checkpoint(root / "by" / "size" / "large")
    with pytest.raises(NotFoundHere, match=r"\./root/by/size/large, \./root/mine"):
        opened(root / "mime")


def test_an_empty_root_has_none_to_name(root, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_LOCAL_ROOTS", str(root / "no such folder"))
    settings.cache_clear()
    assert known(settings()) == []
    with pytest.raises(NotFoundHere):
        opened(root / "no such folder" / "x")


def test_a_file_is_no_folder(root):
    with pytest.raises(NotAFolder, match=r"model\.safetensors"):
        opened(root / "mine" / "model.safetensors")


def test_a_folder_without_a_config_is_no_checkpoint(root):
    (root / "empty").mkdir()
    with pytest.raises(NotACheckpoint, match="nothing"):
        opened(root / "empty")
    with pytest.raises(NotACheckpoint, match="mine"):
        opened(root)


def test_a_folder_with_pickles_alone_says_what_it_has(root):
    (root / "mine" / "model.safetensors").rename(root / "mine" / "pytorch_model.bin")
    with pytest.raises(NoSafetensors, match=r"config\.json, pytorch_model\.bin"):
        opened(root / "mine")


def test_a_folder_that_may_not_be_read_is_said(root, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(Corrupt, match="Permission denied"):
        opened(root / "mine")


def test_a_damaged_header_is_found_here_already(root):
    (root / "mine" / "model.safetensors").write_bytes(b"spam")
    with pytest.raises(Corrupt):
        opened(root / "mine")


def test_a_model_that_is_too_large_is_refused_by_its_header(root, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_MEMORY", "15")
    settings.cache_clear()
    with pytest.raises(TooLarge, match=r"16 bytes .* 15 bytes"):
        opened(root / "mine")


def test_a_name_that_looks_like_a_hub_model_is_never_a_folder(root, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HUB", "off")
    settings.cache_clear()
    with pytest.raises(HubOff):
        opened("root/mine")


def test_a_name_of_any_length_is_just_a_name(root):
    with pytest.raises(NotFoundHere):
        opened(root / ("a" * 5000))


@pytest.mark.parametrize("name", [name for name in NASTY if name.isprintable()])
def test_a_hostile_name_is_just_a_name(root, name):
    ref = f"{root}/{name}"
    try:
        found = opened(ref)
    except (NotFoundHere, OutsideRoots, NotACheckpoint) as problem:
        assert problem.values["ref"] == ref.strip()
    else:
        assert found.folder.is_relative_to(root)


# --- the licence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("---\nlicense: mit\n---\n# A", "mit"),
        ("---\nlanguage: en\nlicense: 'cc-by-4.0' \ntags: [a]\n---\n", "cc-by-4.0"),
        ("---\nlicense: other # see below\n---\n", "other"),
        ("# A\nlicense: mit\n", ""),
        ("---\nlicense:\n---\n", ""),
        ("", ""),
        ("---\n", ""),
    ],
)
def test_the_licence_is_what_the_card_begins_with(tmp_path, card, said):
    (tmp_path / "README.md").write_text(card)
    assert licence(tmp_path) == said


def test_without_a_card_there_is_no_licence(tmp_path):
    assert licence(tmp_path) == ""
    (tmp_path / "README.md").mkdir()
    assert licence(tmp_path) == ""


def test_a_link_deep_in_a_folder_is_followed_too(root):
    (root.parent / "private.txt").write_text("private")
    (root / "mine" / "additional_chat_templates").mkdir()
    link = root / "mine" / "additional_chat_templates" / "default.jinja"
    link.symlink_to(root.parent / "private.txt")
    with pytest.raises(OutsideRoots, match=r"default\.jinja"):
        opened(root / "mine")
