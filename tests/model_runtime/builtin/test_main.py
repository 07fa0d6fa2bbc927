"""The command line: what it calls with what, and what it says when data is missing."""

import runpy
import shutil
import sys

import pytest
import torch

from model_runtime.builtin import __main__ as command
from model_runtime.builtin import evaluation, first_pass, recipes, weights


@pytest.fixture
def called(monkeypatch):
    """What each recipe was called with; none of them runs."""
    calls = []

    def recorder(name):
        return lambda *arguments: calls.append((name, *arguments))

    for name in recipes.RECIPES:
        monkeypatch.setitem(recipes.RECIPES, name, recorder(name))
    return calls


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["prog", *map(str, arguments)])
    command.main()


@pytest.mark.parametrize("name", recipes.READS)
def test_missing_data_is_said_with_the_file_and_the_folder(
    name, monkeypatch, capsys, tmp_path, called
):
    for there in (recipes.READS[name][:0], recipes.READS[name][:1]):
        for file in there:
            (tmp_path / file).write_text("", encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            run(monkeypatch, "train", name, "--data", tmp_path)
        said = " ".join(capsys.readouterr().err.split())
        assert ended.value.code == 2
        missing = [file for file in recipes.READS[name] if file not in there]
        assert f"has no {missing[0]}" in said
        assert str(tmp_path) in said and "--data" in said
    assert called == []


def test_without_a_data_folder_the_files_are_looked_for_here(monkeypatch, tmp_path, capsys, called):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        run(monkeypatch, "train", "writer")
    assert "sentences.txt" in capsys.readouterr().err


def test_a_recipe_gets_the_data_the_folder_the_device_and_the_epochs(monkeypatch, tmp_path, called):
    for file in recipes.READS["writer"]:
        (tmp_path / file).write_text("", encoding="utf-8")
    out = tmp_path / "out"
    run(monkeypatch, "train", "writer", "--data", tmp_path, "--out", out, "--device", "cpu",
        "--epochs", 1)  # fmt: skip
    assert called == [("writer", tmp_path, out, torch.device("cpu"), 1)]


def test_a_generated_task_needs_no_data_and_goes_to_its_shipped_folder(monkeypatch, called):
    run(monkeypatch, "train", "reversal", "--device", "cpu")
    ((name, _, folder, device, epochs),) = called
    assert (name, folder) == ("reversal", weights.MODELS / "reversal")
    assert (device, epochs) == (torch.device("cpu"), None)


def test_auto_is_a_processor_that_this_machine_has(monkeypatch, called):
    for available, kind in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda found=available: found)
        run(monkeypatch, "train", "reversal")
        assert called.pop()[3].type == kind


@pytest.mark.parametrize(
    "arguments", [[], ["train"], ["train", "nothing"], ["paint", "reversal"], ["train", "../x"]]
)
def test_what_it_does_not_know_it_refuses(monkeypatch, capsys, called, arguments):
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *arguments)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
    assert called == []


def test_one_epoch_of_a_tiny_recipe_writes_a_model(monkeypatch, tmp_path):
    for name, value in (("STEPS", 1), ("BATCH", 2)):
        monkeypatch.setattr(recipes.tasks, name, value)
    out = tmp_path / "reversal"
    monkeypatch.setattr(
        sys, "argv",
        ["prog", "train", "reversal", "--out", str(out), "--epochs", "1", "--device", "cpu"],
    )  # fmt: skip
    with pytest.warns(RuntimeWarning, match="sys.modules"):  # it was imported above
        runpy.run_module("model_runtime.builtin", run_name="__main__")
    facts = weights.read_facts(out)
    assert (facts["training"]["epochs"], facts["training"]["steps"]) == (1, 1)
    assert weights.load_model(out).config.topology == "encoder-decoder"


def test_evaluate_calls_the_evaluation_of_the_model(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setitem(
        evaluation.EVALUATIONS, "reversal", lambda *arguments: calls.append(arguments)
    )
    run(monkeypatch, "evaluate", "reversal", "--out", tmp_path / "m", "--data", tmp_path)
    assert calls == [(tmp_path / "m", tmp_path)]


def test_a_model_is_measured_in_a_folder_of_any_name(monkeypatch, tmp_path):
    folder = tmp_path / "mine"
    run(monkeypatch, "train", "reversal", "--epochs", "1", "--out", folder)
    run(monkeypatch, "evaluate", "reversal", "--out", folder)
    facts = weights.read_facts(folder)
    assert facts["scores"]["unseen"] == 2000
    assert facts["sample"]["what"] == "exact answers, of 200 unseen questions"


def test_after_training_the_pass_that_is_kept_is_recorded_again(monkeypatch, tmp_path, called):
    folder = shutil.copytree(weights.folder_of("translator"), tmp_path / "out")
    (folder / first_pass.FILE).write_bytes(b"of other weights")
    for file in recipes.READS["translator"]:
        (tmp_path / file).write_text("", encoding="utf-8")
    run(monkeypatch, "train", "translator", "--data", tmp_path, "--out", folder)
    assert first_pass.kept(folder)


def test_the_first_example_is_recorded_without_any_data(monkeypatch, tmp_path):
    folder = shutil.copytree(weights.folder_of("translator"), tmp_path / "out")
    (folder / first_pass.FILE).unlink()
    run(monkeypatch, "record", "translator", "--out", folder)
    assert first_pass.kept(folder)
