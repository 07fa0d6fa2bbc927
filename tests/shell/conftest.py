"""A line-up of every kind of model, tiny and untrained, in place of the one that ships.

    def test_something(line_up):
        app = opened(model="builtin:grows@0050")

The translator is the real one. What the others compute means nothing; where they stand does.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken, Tokenizer

from model_runtime import catalog
from model_runtime.builtin import tokenization, weights
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.transformer import Transformer
from shell import lineup

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,' "
SENTENCES = ["The cat is sleeping on the bed.", "A dog."]  # the first is the translator's, too
STEPS = ("0000", "0050", "1200")
KINDS = ("alibi", "none", "rotary")


def transformer(
    topology: str, read: Tokenizer | None, written: Tokenizer, positions: str = "sinusoidal"
) -> Transformer:
    """An untrained model of two layers and two heads."""
    alone = topology == "encoder"
    n_written = written.get_vocab_size()
    return Transformer(
        TransformerConfig(
            topology=topology,  # type: ignore[arg-type]
            source_vocab_size=n_written if alone else read.get_vocab_size() if read else 0,
            target_vocab_size=n_written,
            context_length=64,
            d_model=8,
            n_heads=2,
            d_ff=8,
            n_layers=2,
            positions=positions,  # type: ignore[arg-type]
        )
    )


def save(folder: Path, stack: str, reads: str, examples: list[str], written: Tokenizer) -> None:
    """What a model's folder holds besides its weights."""
    folder.mkdir()
    written.save(str(folder / "target_tokenizer.json"))
    for card in ("card.md", "card.zh.md"):
        (folder / card).write_text(folder.name)
    weights.write_facts(
        folder,
        reads=reads,
        examples=examples,
        summary={"en": f"{folder.name} *tiny*", "zh": f"{folder.name} 很小"},
        licence="none",
        parameters=1,
        writes_up_to=4,
        opens_at={"stack": stack, "layer": 1, "head": 1},
    )


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the line-up."""
    torch.manual_seed(0)
    models = tmp_path_factory.mktemp("models")
    (models / "translator").mkdir()
    for path in weights.folder_of("translator").iterdir():
        (models / "translator" / path.name).symlink_to(path)
    letters = tokenization.symbols(LETTERS, starts=True, ends=True)

    save(models / "writes", "decoder", "English", SENTENCES, letters)
    weights.save_model(models / "writes", transformer("decoder", None, letters))

    blanks = tokenization.symbols(LETTERS, starts=True, ends=True)
    blanks.add_tokens([AddedToken("[MASK]", lstrip=True, normalized=False)])
    save(models / "fills", "encoder", "English", ["The [MASK] sleeps.", *SENTENCES], blanks)
    weights.save_model(models / "fills", transformer("encoder", None, blanks))

    sums = tokenization.symbols("0123456789+", starts=False, ends=True)
    save(models / "grows", "cross", "sums", ["12+34", "5+6"], letters)
    sums.save(str(models / "grows" / "source_tokenizer.json"))
    weights.save_model(models / "grows", transformer("encoder-decoder", sums, letters))
    for steps in STEPS:
        model = transformer("encoder-decoder", sums, letters)
        weights.save_variant(models / "grows", steps, model, summary={"en": f"{steps} steps"})

    save(models / "kinds", "encoder", "letters", ["abcab"], letters)
    for kind in KINDS:
        model = transformer("encoder", None, letters, kind)
        weights.save_variant(models / "kinds", kind, model)
    return models


@pytest.fixture
def line_up(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """These models are all that the catalog knows, as long as the test runs."""
    cached = (catalog.entries, lineup.names, lineup.variants, lineup.examples)
    monkeypatch.setattr(weights, "MODELS", tiny_models)
    for function in cached:
        function.cache_clear()
    yield
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()
