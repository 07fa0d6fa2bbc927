"""Positions in a text: the sum and whose it is by hand, the two passes and the five models."""

import math
import re
from functools import cache

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.positions.experiments import Without, without
from model_runtime.positions.five_ways import five
from model_runtime.positions.placing import Placeable
from model_runtime.tracing import trace
from tests.viz.positions.seen import panels, texts, ys
from viz.positions import sentence
from viz.positions import texts as page_texts
from viz.positions.sentence import Added


def once(section):
    return [lambda: section], []


# ── The sum ──────────────────────────────────────────────────────────────────────────


def added(embedding, positions, segments=None, error=0.0):
    of_token, of_place = (np.array(part, np.float32) for part in (embedding, positions))
    of_segment = None if segments is None else np.array(segments, np.float32)
    tokens = tuple("abcdefgh"[: len(embedding)])
    found = Added("encoder", tokens, of_token, of_place, of_segment, error)
    return once(sentence.added(found, str))


def test_the_sum_of_two_tokens_and_its_shares_by_hand():
    made = added([[3, 0], [1, 1]], [[1, 0], [-2, -2]], error=2e-7)
    found = panels(made)
    np.testing.assert_array_equal(found["sentence-embedding"].values, [[3, 0], [1, 1]])
    np.testing.assert_array_equal(found["sentence-position"].values, [[1, 0], [-2, -2]])
    np.testing.assert_array_equal(found["sentence-sum"].values, [[4, 0], [-1, -1]])
    shares = ys(found["sentence-shares"])
    assert shares["embedding"].tolist() == [0.75, -1] and shares["position"].tolist() == [0.25, 2]
    norms = ys(found["sentence-norms"])
    np.testing.assert_allclose(norms["embedding"], [3, math.sqrt(2)], rtol=1e-6)
    np.testing.assert_allclose(norms["position"], [1, math.sqrt(8)], rtol=1e-6)
    assert any("by 2.0e-07 at most" in said for said in texts(made))
    for chart in ("sentence-shares", "sentence-norms"):
        assert found[chart].bars and found[chart].x.ticks == ("a", "b")


@pytest.mark.parametrize("with_segments", [False, True])
def test_shares_make_up_1(with_segments):
    rng = np.random.default_rng(0)
    parts = rng.normal(size=(2 + with_segments, 7, 5)).astype(np.float32)
    found = panels(added(*parts))
    shares = ys(found["sentence-shares"])
    assert list(shares) == ["embedding", "position", "segment"][: len(parts)]
    np.testing.assert_allclose(sum(shares.values()), 1, rtol=0, atol=1e-6)
    total = parts.astype(np.float64).sum(axis=0)
    np.testing.assert_allclose(found["sentence-sum"].values, total, rtol=0, atol=1e-6)
    for row in range(7):
        along = sum(float(a) * float(b) for a, b in zip(parts[1][row], total[row], strict=True))
        whole = sum(float(a) ** 2 for a in total[row])
        assert shares["position"][row] == pytest.approx(along / whole, abs=1e-9)


def test_where_the_sum_is_nothing_nobody_has_a_share():
    found = panels(added([[1, 2], [1, 0]], [[-1, -2], [0, 0]]))
    assert np.isnan(ys(found["sentence-shares"])["embedding"]).tolist() == [True, False]


def test_all_parts_have_one_colour_scale():
    rng = np.random.default_rng(0)
    found = panels(added(rng.normal(size=(4, 50)), 9 * rng.normal(size=(4, 50))))
    limits = {found[f"sentence-{name}"].limit for name in ("embedding", "position", "sum")}
    assert len(limits) == 1
    largest = max(
        np.quantile(np.abs(found[f"sentence-{n}"].values), 0.995) for n in ("position", "sum")
    )
    assert limits.pop() == pytest.approx(float(largest))
    zeros = panels(added([[0, 0]], [[0, 0]]))
    assert zeros["sentence-sum"].limit == 1


# ── A pass without its positions ─────────────────────────────────────────────────────


@cache
def changed(name, how="removed"):
    model = catalog.open_model(f"builtin:{name}")
    assert isinstance(model, Placeable)
    return without(model, trace(model, model.info.examples[0]), how, 1)


@pytest.mark.parametrize("how", ["removed", "shuffled"])
@pytest.mark.parametrize(("name", "stack"), [("blanks", "encoder"), ("writer", "decoder")])
def test_before_is_what_was_recorded_and_after_is_the_changed_pass(name, stack, how):
    result = changed(name, how)
    found = panels(once(sentence.without(result, stack, 1, 2, str)))
    record = result.trace.record(stack, 1)
    sees = record.visible(2)
    assert sees.all() == (stack == "encoder")
    for panel, pattern in (
        ("without-before", record.pattern(2)),
        ("without-after", result.patterns[stack, 1][2]),
    ):
        np.testing.assert_array_equal(found[panel].values, np.where(sees, pattern, np.nan))
        assert found[panel].rows.labels == tuple(t.text for t in result.trace.tokens(stack)[0])
    assert (found["without-before"].limit, found["without-before"].unsigned) == (1, True)
    assert np.nanmax(np.abs(found["without-before"].values - found["without-after"].values)) > 1e-3
    assert {found[f"without-{end}"].hatched for end in ("before", "after")} == {"masked"}


@pytest.mark.parametrize(
    ("name", "seen", "shuffled"),
    [
        ("blanks", "encoder", "encoder"),
        ("writer", "decoder", "decoder"),
        ("translator", "encoder", "encoder"),
        ("translator", "decoder", "encoder"),  # whichever is looked at
    ],
)
def test_what_was_done_to_the_positions_is_said(name, seen, shuffled):
    removed = texts(once(sentence.without(changed(name), seen, 0, 0, str)))
    assert removed[0] == page_texts.REMOVED
    said = texts(once(sentence.without(changed(name, "shuffled"), seen, 0, 0, str)))
    assert said[0] == page_texts.SHUFFLED.format(stack=shuffled)


@pytest.mark.parametrize("name", ["blanks", "writer", "translator"])
def test_each_position_has_its_likeliest_token_before_and_after(name):
    result = changed(name)
    stack = result.trace.info.stacks[0]
    rows = panels(once(sentence.without(result, stack, 0, 0, str)))["without-predictions"].rows
    vocabulary = result.trace.info.vocabulary
    logits = result.trace.logits.astype(np.float64)
    assert len(rows) == len(logits)
    for (reads, before, _), row in zip(rows, logits, strict=True):
        shares = np.exp(row - row.max())
        shares /= shares.sum()
        assert before == f"{vocabulary[shares.argmax()]} {shares.max():.2f}"
        assert re.match(r"\d+ ", reads)


def test_what_changed_is_counted_and_what_is_written_is_told():
    result = changed("translator")
    said = texts(once(sentence.without(result, "encoder", 0, 0, str)))
    rows = panels(once(sentence.without(result, "encoder", 0, 0, str)))["without-predictions"].rows
    differ = sum(a.rsplit(" ", 1)[0] != b.rsplit(" ", 1)[0] for _, a, b in rows)
    moved = result.moved
    assert moved is not None
    assert said[1] == page_texts.CHANGED.format(
        changed=differ, n=len(rows), bits=f"{moved.divergence:.3g}"
    )
    assert f"It wrote “{result.trace.target_text}”" in said[2]


@pytest.mark.parametrize(
    ("why_not", "said"),
    [("no positions", "has no positions"), ("one token", "One token has no other")],
)
def test_where_nothing_can_change_it_is_said(why_not, said):
    result = Without(changed("positions@none").trace, "removed", "encoder", why_not)
    section = sentence.without(result, "encoder", 0, 0, str)
    assert section.panels == () and said in section.text[0] and len(section.text) == 1


def test_a_model_without_positions_has_none_to_take_away():
    section = sentence.without(changed("positions@none"), "encoder", 0, 0, str)
    assert section.panels == () and "has no positions" in section.text[0]


# ── Five models ──────────────────────────────────────────────────────────────────────


@cache
def compared(text):
    return five(text, cache(catalog.open_model))


def test_five_models_side_by_side_with_the_head_that_each_opens_at():
    found = compared("abcab")
    made = once(sentence.five(found, True, str))
    shown = panels(made)
    assert [name for name in shown if name != "five-predictions"] == [
        f"five-{kind}" for kind in ("sinusoidal", "learned", "rotary", "alibi", "none")
    ]
    for one in found:
        map_ = shown[f"five-{one.kind}"]
        recorded = one.trace.record("encoder", one.layer).pattern(one.head)
        np.testing.assert_array_equal(map_.values, recorded)
        assert map_.title.endswith(f"{one.share_right:.0%} right")
        assert map_.about.startswith(f"L{one.layer} H{one.head}")
    header, rows = shown["five-predictions"].header, shown["five-predictions"].rows
    assert header == ("model", "[BOS]", "a", "b", "c", "a", "b", "[EOS]")
    assert rows[1][0] == "learned"
    assert rows[1][2:] == ("[BOS] ✓", "a ✓", "b ✓", "c ✓", "a ✓", "b ✓")
    assert "✓" not in rows[1][1] and "✗" in "".join(rows[4])
    assert len(texts(made)) == 1


def test_an_example_is_said_to_be_one():
    assert len(texts(once(sentence.five(compared("abcab"), False, str)))) == 2


def test_of_two_stacks_one_can_be_chosen():
    assert sentence.stack_control(("encoder",), str) == ()
    (control,) = sentence.stack_control(("encoder", "decoder"), str)
    assert control.default == "encoder"
    assert control.options == (("encoder", "encoder"), ("decoder", "decoder"))


def test_which_shuffle_can_be_set_only_where_something_is_shuffled():
    for shuffles in (False, True):
        own = sentence.head_controls(3, 8, 2, 5, shuffles=shuffles, say=str)
        numbers = {c.name: (c.default, c.high) for c in own if c.kind == "number"}
        seed = {"seed": (1, 99)} if shuffles else {}
        assert numbers == {**seed, "layer": (2, 2), "head": (5, 7)}
        how = next(control for control in own if control.name == "how")
        assert [value for value, _ in how.options] == ["removed", "shuffled"]
        assert how.default == "removed"
