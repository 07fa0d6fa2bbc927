"""Records the softmax attention of models that bypass transformers' attention interface.

Watches every torch function of one forward pass: from a softmax back to the product q·kᵀ that
made its scores, and on to the product with v. Only looks; knows no model file in particular.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from model_runtime.huggingface.blocks import BLOCKED, Blocks
from model_runtime.huggingface.calls import AttentionCall
from model_runtime.huggingface.following import Scores, follow_scores, keeps_pattern
from model_runtime.huggingface.products import Product, as_mixture, as_scores, product_of
from model_runtime.huggingface.softmaxes import Found, call_of, found_at, fused_call, mixed_call

# True while the attention interface computes a call: it is recorded there.
inside_interface: ContextVar[bool] = ContextVar("inside_interface", default=False)


@contextmanager
def follow(model: nn.Module, *, patterns: bool = True) -> Iterator[list[AttentionCall]]:
    """While open, a forward pass of `model` in this thread appends one call for each softmax
    attention that is not computed inside the interface, in the order of the calls. Without
    `patterns`, those that the model made are not kept: n² of memory for every head."""
    calls: list[AttentionCall] = []
    watch = _Watch(calls, patterns)
    handles = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(watch.enter(name), with_kwargs=True))
        handles.append(module.register_forward_hook(watch.leave, always_call=True))
    try:
        with watch:
            yield calls
    finally:
        for handle in handles:
            handle.remove()


class _Watch(TorchFunctionMode):
    """Sees every torch function before it runs, and what it gives."""

    def __init__(self, calls: list[AttentionCall], patterns: bool) -> None:
        super().__init__()
        self._calls = calls
        self._keeps_patterns = patterns
        self._running: list[_Run] = []
        self._shape: Sequence[int] = (1, 1)  # texts, tokens
        self._blocks: Blocks | None = None  # of the module that is running, if it works in blocks
        # What is known of a tensor lives as long as the tensor itself.
        self._scores: Any = WeakTensorKeyDictionary()  # of Scores
        self._patterns: Any = WeakTensorKeyDictionary()  # of Found
        self._derived: Any = WeakTensorKeyDictionary()  # of Found: no longer a pattern itself

    def enter(self, name: str) -> Any:
        """A hook that notes that a module starts."""

        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            inputs = [of for of in (*args, *kwargs.values()) if isinstance(of, Tensor)]
            if not self._running:
                inputs.sort(key=lambda of: of is not kwargs.get("input_ids"))
                self._shape = next((of.shape for of in inputs if of.dim() > 1), (1, 1))
            self._running.append(_Run(name, len(self._calls)))
            if self._blocks is None and type(module).__name__ in BLOCKED:
                self._blocks = Blocks(name, self._shape[1], inputs)

        return hook

    def leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """A hook that notes that a module has ended, or failed."""
        if not self._running:
            return
        run = self._running.pop()
        if run.mixed is not None:
            self._calls[run.first :] = [mixed_call(run.mixed, run.name)]
        if self._blocks is not None and run.name == self._blocks.parts.module:
            call = self._blocks.call()
            self._calls.extend([call] if call is not None else [])
            self._blocks = None

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run `func` as it is, then take note."""
        out = func(*args, **(kwargs or {}))
        if self._running and not inside_interface.get():
            name = getattr(func, "__name__", "")
            args, kwargs = _in_order(args, dict(kwargs or {}))
            if self._blocks is not None:
                self._blocks.note(func, name, args, kwargs, out)
            elif isinstance(out, Tensor):
                self._note(name, args, kwargs, out)
            elif name == "__setitem__":
                self._note(name, args, kwargs, args[0])
        return out

    def _note(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], out: Tensor) -> None:
        product = product_of(name, args, kwargs)
        if product is not None:
            self._note_product(product, out)
        elif name == "scaled_dot_product_attention":
            self._calls.append(fused_call(self._running[-1].name, out, *args, **kwargs))
        elif name == "softmax":
            scores = self._scores.get(args[0])
            if scores is not None and _over_last_axis(args, kwargs):
                self._patterns[out] = found_at(scores, args[0])
        else:
            self._note_change(name, args, kwargs, out)

    def _note_product(self, product: Product, out: Tensor) -> None:
        derived = self._derived.get(product.left, self._derived.get(product.right))
        for operand, other, is_left in (
            (product.left, product.right, True),
            (product.right, product.left, False),
        ):
            found = self._patterns.get(operand)
            mixture = None if found is None else as_mixture(product, is_left, out)
            if mixture is None:
                continue
            if derived is None and other not in self._patterns:
                call = call_of(found, mixture, self._running[-1].name, self._shape[0])
                if not self._keeps_patterns:
                    call.pattern = None
                self._calls.append(call)
                return
            derived = found
        if derived is not None:
            self._derived[out] = self._running[-1].mixed = derived
            return
        pair = as_scores(product)
        if pair is not None:
            plus = None if product.plus is None else self._scores.get(product.plus)
            name, lead = self._running[-1].name, out.shape[:-2]
            self._scores[out] = Scores.of(name, pair, product, lead, plus)

    def _note_change(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], out: Tensor
    ) -> None:
        """What was known of the arguments and still holds of the result; in place, what does
        not hold any more is forgotten."""
        if name.endswith("_as"):
            args = args[:1]  # x.type_as(pattern) is an x
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        known = follow_scores(name, args, kwargs, self._scores.get, out)
        found = next(filter(None, map(self._patterns.get, tensors)), None)
        derived = next(filter(None, map(self._derived.get, tensors)), None)
        is_kept = found is not None and keeps_pattern(name, tensors, out)
        for table, now in (
            (self._scores, known),
            (self._patterns, found if is_kept else None),
            (self._derived, derived if is_kept else derived or found),
        ):
            if now is not None:
                table[out] = now
            elif out in table:
                del table[out]


@dataclass
class _Run:
    """A module that is running."""

    name: str
    first: int  # calls recorded before it
    mixed: Found | None = None  # a pattern that it did more with than mixing values


def _in_order(
    args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments with the tensors first, whether or not they were given by name."""
    for name in ("input", "other", "mat2", "tensors"):
        if name in kwargs:
            args = (*args, kwargs.pop(name))
    return args, kwargs


def _over_last_axis(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
    return axis in (-1, args[0].dim() - 1)
