"""A trained built-in model on disk: its folder, how it is saved and how it is opened.

Knows the files of a model folder; nothing of training data, tracing or the screen. Reads torch when
a model is opened, for the line-up is on the screen before that.

    config.json              the TransformerConfig
    model.safetensors        the weights, 16-bit floats
    source_tokenizer.json    the encoder's tokens, where it reads others than are written
    target_tokenizer.json    the tokens that logits are given for
    facts.json               size, licence, training and measured scores
    card.md, card.zh.md      the same for people, with known weaknesses, by language
    first_pass.safetensors   the recorded pass of the first example, see `first_pass.py`

A folder inside a model's folder is a variant of it, named model@variant: the same tokens,
card and facts, with weights and a config of its own and facts.json for what differs.
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from model_runtime.builtin.config import TransformerConfig

if TYPE_CHECKING:
    from model_runtime.builtin.transformer import Transformer

MODELS = Path(__file__).parent / "models"


@dataclass(frozen=True)
class Weights:
    """One opened model folder. The model is in evaluation mode, 32-bit, on the CPU."""

    made: "Transformer | Path"  # the model, or the folder from which it is read when it is needed
    source_tokenizer: Tokenizer | None
    target_tokenizer: Tokenizer
    facts: dict[str, Any]  # facts.json
    cards: dict[str, str]  # language → card; "en" is among them in every model that ships

    @cached_property
    def model(self) -> "Transformer":
        """The model itself. Raises what `load_model` raises."""
        return load_model(self.made) if isinstance(self.made, Path) else self.made

    @property
    def is_loaded(self) -> bool:
        """Whether `model` is there, so that nobody has to wait for it."""
        return not isinstance(self.made, Path) or "model" in self.__dict__

    @property
    def config(self) -> TransformerConfig:
        """The model's, known before it is loaded."""
        return read_config(self.made) if isinstance(self.made, Path) else self.made.config


def names() -> list[str]:
    """The models that ship with Headlight and their variants, in alphabetical order."""
    found = []
    for path in MODELS.glob("**/model.safetensors"):
        found.append("@".join(path.parent.relative_to(MODELS).parts))
    return sorted(found)


def folder_of(name: str) -> Path:
    """Where a model or a variant is kept."""
    return MODELS.joinpath(*name.split("@"))


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts of a model; those of a variant come after its parent's and replace them."""
    facts: dict[str, Any] = {}
    for place in (folder.parent, folder):
        path = place / "facts.json"
        if path.exists():
            facts |= json.loads(path.read_text(encoding="utf-8"))
    return facts


def save_model(folder: Path, model: "Transformer") -> None:
    """Write `config.json` and `model.safetensors`. Weights are rounded to 16-bit floats:
    half the size, and 999 of 1,002 translations stay the same to the letter."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asdict(model.config), indent=2) + "\n")
    tied = {"unembedding.weight"} if model.config.tie_unembedding else set()
    tensors = {
        name: value.detach().half().contiguous()
        for name, value in model.state_dict().items()
        if name not in tied
    }
    save_file(tensors, folder / "model.safetensors")


def save_variant(folder: Path, variant: str, model: "Transformer", **facts: Any) -> None:
    """Save a variant of the model in `folder`, and what differs in its facts."""
    save_model(folder / variant, model)
    write_facts(folder / variant, **facts)


def read_config(folder: Path) -> TransformerConfig:
    """The configuration of the model in `folder`. Raises FileNotFoundError."""
    return TransformerConfig(**json.loads((folder / "config.json").read_text()))


def load_model(folder: Path) -> "Transformer":
    """The model saved in `folder`. Raises FileNotFoundError or a RuntimeError that names
    the tensors which do not fit."""
    from safetensors.torch import load_file

    from model_runtime.builtin.transformer import Transformer

    config = read_config(folder)
    model = Transformer(config)
    tensors = {name: t.float() for name, t in load_file(folder / "model.safetensors").items()}
    if config.tie_unembedding:
        last = "decoder" if model.decoder is not None else "encoder"
        tensors["unembedding.weight"] = tensors[f"{last}.embedding.weight"]
    model.load_state_dict(tensors)
    return model.eval()


def load(folder: Path) -> Weights:
    """Everything of a model. Raises FileNotFoundError if a part is missing, and what `load_model`
    raises; only the cards may be missing, before anybody wrote them."""
    return replace(read(folder), made=load_model(folder))


def read(folder: Path) -> Weights:
    """The same, but the model is loaded when it is first needed: torch is not read before."""
    facts = read_facts(folder)
    if not facts:
        raise FileNotFoundError(f"no such file: {folder / 'facts.json'}")
    shared = folder if (folder / "target_tokenizer.json").exists() else folder.parent
    source = shared / "source_tokenizer.json"
    return Weights(
        made=folder,
        source_tokenizer=Tokenizer.from_file(str(source)) if source.exists() else None,
        target_tokenizer=Tokenizer.from_file(str(shared / "target_tokenizer.json")),
        facts=facts,
        cards={
            path.name.removeprefix("card").removesuffix(".md").lstrip(".") or "en": path.read_text(
                encoding="utf-8"
            )
            for path in shared.glob("card*.md")
        },
    )


def write_facts(folder: Path, **facts: Any) -> None:
    """Add to, or replace in, `facts.json`."""
    path = folder / "facts.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(
        json.dumps(known | facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
