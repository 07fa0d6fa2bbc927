"""Of any text and any tokenizer: spans cover the text, and the pieces give it back.

Every built-in model, and a tiny checkpoint of every kind of tokenizer.
"""

import re
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model_runtime import catalog, tracing
from model_runtime.errors import NothingRead
from model_runtime.recording import LoadedModel
from model_runtime.settings import settings as configured
from model_runtime.types import SPACE, Reading, Request, Token
from tests.hostile import HOSTILE, naughty_strings
from tests.model_runtime.huggingface.checkpoints import make

# One of each way to read: the eleven snapshots of "addition" read alike, and so do the five
# models "positions".
BUILT_IN = (
    "translator", "zh-en", "writer", "blanks", "dates", "reversal", "addition", "induction",
    "positions@learned",
)  # fmt: skip
CHECKPOINTS = ("bert", "gpt2", "llama", "t5", "byt5", "roberta", "bloom", "deberta-v2")
KINDS = (*(f"builtin:{name}" for name in BUILT_IN), *CHECKPOINTS)
SURROGATES = re.compile("[\ud800-\udfff]")

ANY = st.text(alphabet=st.characters(exclude_categories=[]), max_size=40)
# What tokenizers treat in ways of their own is rare among all characters.
ODD = st.text(
    alphabet="aZ9.'-<[▁Ġ# \t\n\u00a0\u3000é\u0301\u0323½ﬁİß猫𠀀🍎👍🏿\u200d\ufe0f\u200b\u202e\0\x07"
)
PIECES = st.sampled_from(["[MASK]", "[UNK]", "</s>", "<unk>", "<extra_id_0>", "##a", "▁a", "a "])
MIXED = st.lists(st.one_of(ODD, PIECES), max_size=5).map("".join)
TEXTS = st.one_of(ANY, ODD, MIXED)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """The function kind → model, opened as the app opens it."""
    root = tmp_path_factory.mktemp("checkpoints").resolve()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEADLIGHT_LOCAL_ROOTS", str(root))
        configured.cache_clear()

        @cache
        def model(kind: str) -> LoadedModel:
            is_built_in = kind.startswith("builtin:")
            return catalog.open_model(kind if is_built_in else str(make(kind, root / kind)))

        yield model
    configured.cache_clear()


def reading(model: LoadedModel, text: str) -> Reading:
    """How a model reads a text, as `tracing` hands it over: halves of characters are replaced.
    What has no letter may be nothing at all to a checkpoint, which says so."""
    try:
        return model.read(Request(model.info.ref, SURROGATES.sub("\ufffd", text), "a"))
    except NothingRead:
        assert not any(character.isalnum() for character in text)
        return Reading((), (), False)


def of_text(found: Reading) -> tuple[Token, ...]:
    """The tokens that the text gave."""
    return found.source or found.target[: found.n_given]


def gives_back(text: str, found: Reading) -> None:
    """The properties that are stated at the head of this file, of one text."""
    whole = SURROGATES.sub("\ufffd", text)
    tokens = of_text(found)
    assert [token.position for token in tokens] == list(range(len(tokens)))
    at = reached = 0
    for token in tokens:
        assert token.is_special == (token.span is None), token
        if token.span is None:
            continue
        start, end = token.span
        assert at <= start <= end <= len(whole), (token, at)
        assert not whole[reached:start].strip(), f"nobody has {whole[reached:start]!r}"
        covered = whole[start:end] if whole[start:end].strip() else SPACE
        # The parts of a character that is several tokens are named behind it.
        is_part = token.text.startswith(f"{covered}⟨") and token.text.endswith("⟩")
        assert token.text == covered or is_part, (token, covered)
        at, reached = start, max(reached, end)
    if not found.left_out and reached:
        assert not whole[reached:].strip(), f"nobody has {whole[reached:]!r}"
    rebuilt = "".join(whole[slice(*span)] for span in dict.fromkeys(t.span for t in tokens) if span)
    read_of = whole if not found.left_out else whole[:reached]
    if reached and not overlap(tokens):
        assert "".join(rebuilt.split()) == "".join(read_of.split())


def overlap(tokens: tuple[Token, ...]) -> bool:
    """Whether some characters belong to two different spans."""
    spans = sorted({token.span for token in tokens if token.span})
    return any(b[0] < a[1] for a, b in pairwise(spans))


def test_a_reading_that_leaves_a_letter_out_does_not_give_the_text_back():
    whole = Reading((Token(0, 1, "cat", (0, 3), 0),), (), False)
    gives_back("cat", whole)
    for text in ("cats", "a cat", "hat"):
        with pytest.raises(AssertionError):
            gives_back(text, whole)
    twice = Reading((Token(0, 1, "ca", (0, 2), 0), Token(1, 1, "ca", (0, 1), 0)), (), False)
    with pytest.raises(AssertionError):
        gives_back("ca", twice)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_spans_ascend_and_cover_any_text(opened, kind, text):
    gives_back(text, reading(opened(kind), text))


@pytest.mark.parametrize("kind", KINDS)
def test_spans_ascend_and_cover_every_hostile_text(opened, kind):
    model = opened(kind)
    for text in (*naughty_strings(), HOSTILE["lone surrogates"].text, HOSTILE["long word"].text):
        gives_back(text, reading(model, text))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(text=TEXTS)
@example(text="<unk> 0\xa0")  # a tokenizer drops the first space, so characters are compared
@example(text="\u0300<unk> ")
def test_pieces_of_bytes_share_the_span_of_their_character(opened, kind, text):
    found = reading(opened(kind), text)
    spans = [token.span for token in of_text(found)]
    for at, token in enumerate(of_text(found)):
        if token.is_byte_piece and not found.left_out:
            assert token.text.endswith("⟩")
            start, end = token.span or (0, 0)
            beside = [spans[i] for i in (at - 1, at + 1) if 0 <= i < len(spans)]
            assert any(other and other[0] < end and start < other[1] for other in beside), token


@pytest.mark.parametrize("character", ["🍎", "猫", "é", "𠀀"])
def test_the_bytes_of_a_character_are_as_many_tokens_with_one_span(opened, character):
    tokens = [token for token in of_text(reading(opened("byt5"), character)) if token.span]
    assert [token.span for token in tokens] == [(0, 1)] * len(character.encode())
    assert all(token.is_byte_piece for token in tokens)


@pytest.mark.parametrize("kind", KINDS)
def test_halves_of_characters_are_replaced_before_anything_reads_them(opened, kind):
    model = opened(kind)
    found = tracing.trace(model, "a \ud800 b\udfff")
    assert found.request.text == "a \ufffd b\ufffd"
    gives_back(found.request.text, found.reading)
