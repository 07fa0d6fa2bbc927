"""Settings come from a file and the environment, are checked, and are closed by default."""

from pathlib import Path

import pytest

from model_runtime.errors import UnusableSettings
from model_runtime.settings import PROJECT, Settings, read, settings


@pytest.fixture(autouse=True)
def nothing_set(tmp_path, monkeypatch):
    """A working directory without a file, and an environment without our names."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HEADLIGHT_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_without_a_word_there_is_no_token_one_folder_and_every_figure_is_bounded():
    found = read()
    assert found.hub_token is None
    assert found.local_roots == (PROJECT / "checkpoints",)
    assert found.downloads.is_relative_to(PROJECT)
    assert (found.memory, found.trace_memory, found.disk) == (4 * 2**30, 2**29, 8 * 2**30)
    assert found.max_tokens == 2048


def test_a_size_may_be_written_as_people_do(monkeypatch):
    monkeypatch.setenv("HEADLIGHT_MEMORY", "1.5 GiB")
    assert read().memory == 1.5 * 2**30
    monkeypatch.setenv("HEADLIGHT_MEMORY", "1000")
    assert read().memory == 1000


def test_lists_in_the_environment_are_separated_by_commas_and_folders_as_in_path(monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HUB_MODELS", "gpt2, org/*,")
    monkeypatch.setenv("HEADLIGHT_LOCAL_ROOTS", "models:/srv/models")
    assert read().hub_models == ("gpt2", "org/*")
    assert read().local_roots == (Path.cwd() / "models", Path("/srv/models"))


def test_the_file_holds_the_same_names_and_the_environment_comes_first(tmp_path, monkeypatch):
    text = 'hub = "list"\nhub_models = ["gpt2"]\nmemory = "2 GiB"\nlocal_roots = ["~/models"]\n'
    (tmp_path / "headlight.toml").write_text(text)
    monkeypatch.setenv("HEADLIGHT_MEMORY", "3 GiB")
    found = read()
    assert (found.hub, found.hub_models, found.memory) == ("list", ("gpt2",), 3 * 2**30)
    assert found.local_roots == (Path.home() / "models",)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HUB", "maybe", "hub: Input should be 'on', 'list' or 'off'"),
        ("MEMORY", "much", "memory: "),
        ("MEMORY", "0", "memory: "),
        ("MAX_TOKENS", "-1", "max_tokens: "),
    ],
)
def test_a_value_that_cannot_be_used_is_named(monkeypatch, name, value, said):
    monkeypatch.setenv(f"HEADLIGHT_{name}", value)
    with pytest.raises(UnusableSettings) as raised:
        read()
    assert said in str(raised.value)


def test_all_that_is_wrong_is_said_at_once(monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HUB", "maybe")
    monkeypatch.setenv("HEADLIGHT_DISK", "some")
    with pytest.raises(UnusableSettings) as raised:
        read()
    assert "hub: " in str(raised.value) and "disk: " in str(raised.value)


def test_a_slip_of_the_pen_is_no_open_door(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HUBB", "off")
    with pytest.raises(UnusableSettings, match="HEADLIGHT_HUBB: there is no such setting"):
        read()
    monkeypatch.delenv("HEADLIGHT_HUBB")
    (tmp_path / "headlight.toml").write_text('hubb = "off"\n')
    with pytest.raises(UnusableSettings, match="hubb: "):
        read()


@pytest.mark.parametrize("text", ["hub = ", "\xff", 'local_roots = ["~nobody-of-this-name/a"]'])
def test_a_file_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "headlight.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UnusableSettings, match=r"headlight\.toml"):
        read()


def test_the_token_is_never_said(monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HUB_TOKEN", "hf_secret")
    monkeypatch.setenv("HEADLIGHT_HUB", "maybe")
    with pytest.raises(UnusableSettings) as raised:
        read()
    assert "hf_secret" not in str(raised.value)
    monkeypatch.delenv("HEADLIGHT_HUB")
    assert "hf_secret" not in repr(read())


def test_settings_are_read_once_and_do_not_change(monkeypatch):
    before = settings()
    monkeypatch.setenv("HEADLIGHT_HUB", "off")
    assert settings() is before
    with pytest.raises(ValueError):
        before.hub = "off"


def test_settings_cost_no_torch():
    import subprocess
    import sys

    code = "import sys, model_runtime.settings, model_runtime.catalog\n"
    code += "sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT).returncode == 0
