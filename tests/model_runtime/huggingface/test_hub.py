"""Hub models: the real client against a Hub of our own, from refusals to files on disk."""

import builtins
import errno
import io
import json
import os
import socket

import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.numpy import save

from model_runtime.errors import (
    CannotBeKept,
    Gated,
    HubNotListed,
    HubOff,
    ModelNotFound,
    NoSafetensors,
    NotACheckpoint,
    Offline,
    RevisionNotFound,
    TooLarge,
    TooLargeToDownload,
)
from model_runtime.huggingface.finding import find
from model_runtime.huggingface.hub import wanted
from model_runtime.huggingface.memory import in_words
from model_runtime.huggingface.references import parse
from model_runtime.recording import Progress
from model_runtime.settings import settings
from tests.model_runtime.huggingface.fake_hub import COMMIT, Model, running

WEIGHTS = save({"a": np.zeros(1000, dtype=np.float32)})
CARD = b"---\nlicense: mit\nlanguage: en\n---\n# A model\n"
FILES = {
    "README.md": CARD,
    "config.json": b'{"model_type": "gpt2"}',
    "tokenizer.json": b'{"model": {}}',
    "tokenizer_config.json": b"{}",
    "model.safetensors": WEIGHTS,
}
NOT_WANTED = {
    "pytorch_model.bin": b"pickle",
    "modeling_mine.py": b"import os",
    "training_args.bin": b"pickle",
    "adapter_config.json": b"{}",
    "pytorch_model.bin.index.json": b"{}",
    "onnx/config.json": b"{}",
    "consolidated.safetensors": b"the same once more",
    "model.fp16.safetensors": b"the same in half",
}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub with one model, an empty folder for downloads, and no login that may be used."""
    monkeypatch.setenv("HEADLIGHT_DOWNLOADS", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_TOKEN", "hf_of_this_machine")
    settings.cache_clear()
    with running({"org/name": Model(FILES | NOT_WANTED)}) as found:
        reach(monkeypatch, found.address)
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
        yield found
    settings.cache_clear()


def reach(monkeypatch, address):
    """What HF_ENDPOINT does, which the client reads once and for all when it is imported."""
    pages = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pages)


def allow(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(f"HEADLIGHT_{name.upper()}", value)
    settings.cache_clear()


def opened(ref, report=lambda _: None):
    return find(parse(ref), report)


def test_a_model_is_found_with_its_commit_and_licence(hub):
    found = opened("org/name")
    assert {path.name for path in found.folder.iterdir()} == set(FILES)
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (found.name, found.revision, found.licence) == ("org/name", COMMIT, "mit")


def test_nothing_that_runs_and_nothing_twice_is_downloaded(hub):
    opened("org/name")
    assert hub.got() == set(FILES)


def test_no_token_of_this_machine_is_sent(hub):
    opened("org/name")
    assert {token for _, _, token in hub.asked} == {None}


def test_progress_is_told_in_bytes_up_to_the_last(hub):
    heard: list[Progress] = []
    opened("org/name", heard.append)
    total = sum(map(len, FILES.values()))
    assert heard[0] == Progress("downloading", 0, total)
    assert all(p.stage == "downloading" and 0 <= p.done <= total for p in heard)


def test_what_was_downloaded_is_not_asked_for_again(hub):
    first = opened("org/name")
    hub.asked.clear()
    assert opened("org/name") == first
    assert hub.got() == set()


def test_without_a_network_what_was_downloaded_opens(hub, monkeypatch):
    first = opened("org/name")
    reach(monkeypatch, nobody())
    assert opened("org/name") == first
    with pytest.raises(Offline, match="ConnectError"):
        opened("org/other")


def test_a_commit_that_is_here_needs_no_network_at_all(hub):
    first = opened("org/name")
    hub.asked.clear()
    assert opened(f"org/name@{COMMIT}").folder == first.folder
    assert hub.asked == []


def test_half_a_download_is_no_model(hub, monkeypatch):
    found = opened("org/name")
    (found.folder / "model.safetensors").unlink()
    reach(monkeypatch, nobody())
    with pytest.raises(Offline):
        opened("org/name")


def test_a_branch_is_found_and_one_that_is_not_there_is_said(hub):
    hub.models["org/name"].revisions = ("main", "refs/pr/1")
    assert opened("org/name@refs/pr/1").revision == COMMIT
    with pytest.raises(RevisionNotFound, match="“v2”"):
        opened("org/name@v2")


def test_many_files_of_weights_are_downloaded_with_their_index(hub):
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = {"metadata": {}, "weight_map": dict(zip("ab", names, strict=True))}
    files = {n: f for n, f in FILES.items() if n != "model.safetensors"}
    files |= {n: save({key: np.zeros(9)}) for key, n in zip("ab", names, strict=True)}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    hub.models["org/many"] = Model(files | NOT_WANTED)
    assert {path.name for path in opened("org/many").folder.iterdir()} == set(files)


# --- what may not be opened ----------------------------------------------------------------------


def test_switched_off_the_hub_is_not_even_asked(hub, monkeypatch):
    allow(monkeypatch, hub="off")
    with pytest.raises(HubOff, match="HEADLIGHT_HUB"):
        opened("org/name")
    assert hub.asked == []


def test_only_what_is_listed_is_asked_for(hub, monkeypatch):
    allow(monkeypatch, hub="list", hub_models="gpt2, other/*")
    with pytest.raises(HubNotListed, match=r"gpt2, other/\*"):
        opened("org/name")
    assert hub.asked == []
    allow(monkeypatch, hub_models="org/*")
    assert opened("org/name").name == "org/name"


def test_a_model_that_is_not_there_or_private(hub):
    with pytest.raises(ModelNotFound, match="org/nothing"):
        opened("org/nothing")


def test_a_gated_model_is_refused_before_a_file_is_asked_for(hub):
    hub.models["org/gated"] = Model(FILES, gated=True)
    with pytest.raises(Gated, match="HEADLIGHT_HUB_TOKEN"):
        opened("org/gated")
    assert hub.got() == set()


def test_a_token_that_was_set_opens_a_gated_model(hub, monkeypatch):
    hub.models["org/gated"] = Model(FILES, gated=True)
    allow(monkeypatch, hub_token="hf_allowed")
    assert opened("org/gated").name == "org/gated"
    assert {token for _, _, token in hub.asked} == {"Bearer hf_allowed"}


def test_pickles_are_named_and_not_downloaded(hub):
    hub.models["org/old"] = Model({"config.json": b"{}", "pytorch_model.bin": b"pickle"})
    with pytest.raises(NoSafetensors, match=r"config\.json, pytorch_model\.bin"):
        opened("org/old")
    assert hub.got() == set()


def test_a_repository_that_is_no_checkpoint(hub):
    hub.models["org/data"] = Model({"README.md": CARD, "data.csv": b"1"})
    with pytest.raises(NotACheckpoint, match=r"README\.md, data\.csv"):
        opened("org/data")


def test_what_does_not_fit_into_memory_is_refused_by_the_hubs_own_figure(hub):
    hub.models["org/large"] = Model(FILES, parameters=7 * 10**9)
    with pytest.raises(TooLarge, match=r"26\.1 GiB .* 4\.0 GiB"):
        opened("org/large")
    assert hub.got() == set()


def test_without_that_figure_by_the_size_of_the_files(hub):
    hub.models["org/large"] = Model(FILES, sizes={"model.safetensors": 5 * 2**30})
    with pytest.raises(TooLarge, match=r"5\.0 GiB"):
        opened("org/large")


def test_what_does_not_fit_on_the_disk_is_refused_with_figures(hub, monkeypatch):
    allow(monkeypatch, disk="4000")
    with pytest.raises(TooLargeToDownload) as raised:
        opened("org/name")
    assert raised.value.values["needed"] == in_words(sum(map(len, FILES.values())))
    assert raised.value.values["free"] == raised.value.values["budget"] == "3.9 KiB"
    assert hub.got() == set()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_no_more_is_said_and_is_not_the_network(hub, monkeypatch, code):
    first = opened("org/name")
    hub.models["org/second"] = Model(FILES | {"config.json": b'{"model_type": "bert"}'})
    real = open

    def refusing(path, mode="r", *rest, **more):
        if set(mode) & set("wax+"):
            raise OSError(code, os.strerror(code), str(path))
        return real(path, mode, *rest, **more)

    monkeypatch.setattr(builtins, "open", refusing)
    monkeypatch.setattr(io, "open", refusing)
    with pytest.raises(CannotBeKept, match="HEADLIGHT_DOWNLOADS") as raised:
        opened("org/second")
    assert raised.value.values["why"] == os.strerror(code)
    assert opened("org/name") == first


def test_a_folder_for_downloads_that_cannot_be_made_is_said(hub, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    allow(monkeypatch, downloads=str(tmp_path / "file" / "hub"))
    with pytest.raises(CannotBeKept, match="Not a directory"):
        opened("org/name")
    assert hub.got() == set()


def test_models_share_the_disk(hub, monkeypatch):
    hub.models["org/second"] = Model(FILES | {"config.json": b'{"model_type": "bert"}'})
    allow(monkeypatch, disk="6000")
    opened("org/name")
    with pytest.raises(TooLargeToDownload):
        opened("org/second")


@pytest.mark.parametrize("status", [500, 503, 429, 403])
def test_a_hub_that_does_not_work_is_said_with_its_answer(hub, status):
    hub.broken = status
    with pytest.raises(Offline, match=f"HTTP {status}"):
        opened("org/name")


def test_offline_by_the_clients_own_switch(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(Offline):
        opened("org/name")
    assert hub.asked == []


def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    "name",
    [
        "vocab.txt",
        "merges.txt",
        "spiece.model",
        "source.spm",
        "bpe.codes",
        "chat_template.jinja",
        "generation_config.json",
        "prophetnet.tokenizer",
    ],
)
def test_what_tokenizers_are_kept_in_is_wanted(name):
    assert wanted({name: 10}) == {name: 10}


@pytest.mark.parametrize(
    "name", ["model.bin", "a/vocab.txt", "../vocab.txt", "x.py", "x.pkl", "x.pt", "flax.msgpack"]
)
def test_what_runs_or_lies_elsewhere_is_not(name):
    assert wanted({name: 10}) == {}


def test_a_small_file_that_is_large_is_not_wanted():
    assert wanted({"vocab.txt": 2**30}) == {}
