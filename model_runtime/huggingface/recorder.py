"""One forward pass of a transformers model with its attention and residual stream recorded.

Listens at the attention interface, follows the models that bypass it, and hooks the layers.
Names of transformers end here. Knows neither text nor tokenizers, and changes no number.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils.generic import ModelOutput

from model_runtime.huggingface.calls import AttentionCall
from model_runtime.huggingface.embedded import Embedded, watch_embedding
from model_runtime.huggingface.fallback import follow
from model_runtime.huggingface.interface import listen
from model_runtime.huggingface.places import Spot, layer_module

Implementation = Literal["eager", "sdpa"]
Kept = Literal["all", "residual"]


@dataclass(eq=False)
class Recorded:
    """What one pass computed, batch axis and all."""

    output: ModelOutput
    calls: list[AttentionCall]  # in the order in which they were made
    stream: dict[Spot, Tensor] = field(default_factory=dict)  # [batch, position, d_model]
    embedded: list[Embedded] = field(default_factory=list)  # what each stack began with
    bypassed: bool = False  # some attention did not go through the interface


def record(
    model: PreTrainedModel,
    inputs: Mapping[str, Any],
    implementation: Implementation = "eager",
    *,
    following: bool = True,
    kept: Kept = "all",
) -> Recorded:
    """Run `model` on `inputs` without gradients, and keep what its attention did.

    "eager" computes patterns and keeps them with the calls; "sdpa" never makes them.
    Without `following`, what bypasses the interface goes unseen and nothing slows the rest.
    `kept` says what beside q, k, v: "all", or for long texts the "residual" stream alone, without
    embeddings, the parts of layers and patterns. Raises what the model raises.
    """
    names = {id(module): name for name, module in model.named_modules()}
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(_computing_with(model, implementation))
        patterns = kept == "all"
        seen = stack.enter_context(listen(patterns=patterns))
        followed: list[AttentionCall] = []
        if following:
            followed = stack.enter_context(follow(model, patterns=patterns))
        layers = stack.enter_context(_Layers(model, kept))
        embedded = stack.enter_context(watch_embedding(model)) if kept == "all" else []
        output = model(**inputs, return_dict=True, **without_cache(model))
    for module, call in seen:
        call.module = names.get(id(module), "")
    calls = _in_order([call for _, call in seen], followed, model)
    return Recorded(output, calls, _of_layers(layers.found, calls), embedded, bool(followed))


def _in_order(
    heard: list[AttentionCall], followed: list[AttentionCall], model: PreTrainedModel
) -> list[AttentionCall]:
    """The calls of both ways of recording, each in the order of its calls; a model with both
    is put in the order in which it lists its modules."""
    if not heard or not followed:
        return heard + followed
    order = {name: i for i, (name, _) in enumerate(model.named_modules())}
    return sorted(heard + followed, key=lambda call: order.get(call.module, -1))


def _of_layers(found: dict[Spot, Tensor], calls: list[AttentionCall]) -> dict[Spot, Tensor]:
    """What was kept in lists of layers with attention in them: a list of norms or FFNs alone
    (xlm) has no residual stream going through it. A model without attention keeps all."""
    lists = {_list_of(call.module) for call in calls if layer_module(call.module) != call.module}
    return {spot: t for spot, t in found.items() if not calls or _list_of(spot.layer) in lists}


def _list_of(name: str) -> str:
    """The dotted name of the list that a layer, or a module in one, is in."""
    return (layer_module(name) or "").rpartition(".")[0]


def without_cache(model: PreTrainedModel) -> dict[str, bool]:
    """How a whole sequence is run: nothing is generated, so keys and values need not be kept for
    later, and some models (fsmt) would take the sequence for the one token that comes next."""
    return {"use_cache": False} if hasattr(model.config, "use_cache") else {}


class _computing_with:  # noqa: N801  (a context manager, read like a sentence)
    """While open, the model computes attention by `implementation`, where it can be chosen."""

    def __init__(self, model: PreTrainedModel, implementation: Implementation) -> None:
        self._model = model
        self._wanted = implementation
        self._before = model.config._attn_implementation

    def __enter__(self) -> None:
        if self._before != self._wanted and self._model._can_set_attn_implementation():
            self._model.set_attn_implementation(self._wanted)

    def __exit__(self, *_: object) -> None:
        if self._model.config._attn_implementation != self._before:
            self._model.set_attn_implementation(self._before)


class _Layers:
    """While open, hooks on the layers keep the residual stream and what is added to it.

    The stream before and after every layer, and if all is kept, what every part of a layer
    (its norms, attention and FFN) gives in the stream's shape. A tensor that the model has
    written over since is left out.
    """

    def __init__(self, model: PreTrainedModel, kept: Kept) -> None:
        self._kept: dict[Spot, tuple[Tensor, int]] = {}
        self._runs: dict[str, int] = {}
        self._model = model
        self._parts = kept == "all"
        self._handles: list[Any] = []

    @property
    def found(self) -> dict[Spot, Tensor]:
        """What was kept."""
        kept = self._kept.items()
        return {spot: tensor for spot, (tensor, version) in kept if tensor._version == version}

    def __enter__(self) -> "_Layers":
        for name, layer in layers_of(self._model).items():
            hooks = self._handles
            hooks.append(layer.register_forward_pre_hook(self._before(name), with_kwargs=True))
            hooks.append(layer.register_forward_hook(self._after(name, "resid_post")))
            for part, module in layer.named_children() if self._parts else ():
                hooks.append(module.register_forward_hook(self._after(name, part)))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _before(self, name: str) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._runs[name] = self._runs.get(name, -1) + 1
            self._keep(name, "resid_pre", args[0] if args else kwargs.get("hidden_states"))

        return hook

    def _after(self, name: str, part: str) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            first = output[0] if isinstance(output, tuple | list) and output else output
            self._keep(name, part, first)

        return hook

    def _keep(self, name: str, part: str, value: Any) -> None:
        if isinstance(value, Tensor) and value.dim() == 3 and value.is_floating_point():
            self._kept[Spot(name, self._runs.get(name, 0), part)] = (value, value._version)


def layers_of(model: PreTrainedModel) -> dict[str, nn.Module]:
    """The layers by dotted name: the members of every list of modules that the model runs
    through, outermost lists only."""
    layers: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        parent = name.rpartition(".")[0]
        if layer_module(name) == name and isinstance(model.get_submodule(parent), nn.ModuleList):
            layers[name] = module
    return layers
