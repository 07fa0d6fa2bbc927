"""What is shown of a token: the user's own characters, whatever the model makes of them."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.builtin.tokenization import (
    BOS_ID,
    EOS,
    EOS_ID,
    SPECIALS,
    UNK_ID,
    characters,
    english_subwords,
    symbols,
)
from model_runtime.tokens import shown_piece, tokens_of, written_tokens
from model_runtime.types import SPACE
from tests.model_runtime.builtin import tiny
from tests.model_runtime.reference import NASTY

WORDS = english_subwords(
    ["the cat sat on the mat", "don't play the cafe cards", "playing cards f aish bish cish"] * 3,
    vocab_size=80,
)
CHARACTERS = characters(["猫在床上睡觉。", "我看见1⁄2只猫。"])
PIECES = tiny.pieces_with_mask()
LETTERS = symbols("abcdefghijklmnopqrstuvwxyz ", starts=True, ends=True)
KINDS = {"words": WORDS, "characters": CHARACTERS, "pieces": PIECES, "letters": LETTERS}
SPECIAL_IDS = frozenset(range(len(SPECIALS)))
for tokenizer in KINDS.values():
    tokenizer.encode_special_tokens = True  # as an opened model has it


def read(text, tokenizer=WORDS):
    return tokens_of(tokenizer.encode(text), text, UNK_ID)


def shown(text, tokenizer=WORDS):
    return [token.text for token in read(text, tokenizer)]


def test_a_sentence_is_shown_as_it_was_typed():
    assert "".join(shown("The CAT sat.")) == "TheCATsat.[EOS]"


def test_pieces_of_a_word_share_its_number_and_the_next_word_has_another():
    first, *rest = read("zzplaying cards")
    assert first.word == 0
    assert {token.word for token in rest} == {0, 1, None}
    assert [t.word for t in rest] == [*sorted(t.word for t in rest[:-1]), None]


def test_spans_count_characters_of_the_text():
    text = "  The  cat"
    for token in read(text)[:-1]:
        assert token.span is not None
        assert text[slice(*token.span)] == token.text


def test_the_closing_special_token_covers_nothing_and_belongs_to_no_word():
    last = read("cat")[-1]
    assert (last.text, last.id, last.span, last.word, last.is_special) == (
        EOS, EOS_ID, None, None, True,
    )  # fmt: skip


def test_positions_count_from_zero():
    assert [t.position for t in read("the cat sat")] == list(range(len(read("the cat sat"))))


@pytest.mark.parametrize("special", SPECIALS)
def test_a_special_token_typed_by_hand_is_only_its_characters(special):
    typed = read(f"the {special} cat")
    assert [t.is_special for t in typed].count(True) == 1
    assert "".join(t.text for t in typed) == f"the{special}cat[EOS]"
    assert not {BOS_ID, EOS_ID, 0} & {t.id for t in typed[:-1]}


@pytest.mark.parametrize("text", ["Café", "CAFÉ", "ｃａｆｅ", "çàfè"])
def test_case_width_and_accents_stay_though_the_model_never_sees_them(text):
    typed = read(text)
    assert "".join(t.text for t in typed[:-1]) == text
    assert [t.id for t in typed] == [t.id for t in read("cafe")]


@pytest.mark.parametrize("tokenizer", [WORDS, CHARACTERS], ids=["words", "characters"])
@pytest.mark.parametrize("text", ["e\u0301", "cafe\u0301 the", "te\u0323\u0302t", "が"])
def test_an_accent_typed_apart_stays_with_its_letter(text, tokenizer):
    text = unicodedata.normalize("NFD", text)
    joined = "".join(t.text for t in read(text, tokenizer) if not t.is_special)
    assert joined == text.replace(" ", "")


@pytest.mark.parametrize("text", ["→", "Ω", "猫", "😀", "\u200b", "\x07"])
def test_an_unknown_character_shows_itself(text):
    (unknown, _) = read(text)
    assert (unknown.text, unknown.id, unknown.is_unknown) == (text, UNK_ID, True)


def test_each_unknown_character_is_a_token_of_its_own():
    assert shown("猫狗猫") == ["猫", "狗", "猫", "[EOS]"]


def test_a_half_is_three_tokens_that_name_their_part():
    assert shown("½", CHARACTERS) == ["[BOS]", "½⟨1⟩", "½⟨⁄⟩", "½⟨2⟩", "[EOS]"]
    assert [t.span for t in read("½", CHARACTERS)] == [None, (0, 1), (0, 1), (0, 1), None]


@pytest.mark.parametrize("text", ["½", "ﬁsh", "ﬃsh", "㎏s", "aﬀ"])
def test_no_character_is_shown_twice_without_naming_the_part(text):
    tokens = [t for t in read(text) if not t.is_special]
    for token in tokens:
        others = [t for t in tokens if t is not token and not t.is_unknown]
        overlapping = [
            t for t in others if max(t.span[0], token.span[0]) < min(t.span[1], token.span[1])
        ]
        assert not overlapping or token.is_unknown or "⟨" in token.text


@pytest.mark.parametrize("tokenizer", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    "text", ["The cat, don't!", "½ ﬁsh ㎏s", "cafe\u0301 te\u0323\u0302t", *NASTY]
)
def test_every_visible_character_belongs_to_a_token(text, tokenizer):
    spans = [t.span for t in read(text, tokenizer) if t.span]
    covered = {at for start, end in spans for at in range(start, end)}
    if covered:  # what is only an accent is nothing at all to some tokenizers
        assert {at for at, c in enumerate(text) if not c.isspace()} <= covered


# --- pieces that begin with a space ----------------------------------------------------------


def test_the_space_before_a_piece_is_no_part_of_what_is_shown():
    typed = read("The  cat is", PIECES)
    assert [t.text for t in typed] == ["[BOS]", "The", "cat", "is", "[EOS]"]
    assert [t.span for t in typed] == [None, (0, 3), (5, 8), (9, 11), None]
    assert [t.word for t in typed] == [None, 0, 1, 2, None]


def test_a_space_that_is_a_token_of_its_own_is_shown():
    # "do" of "dogs" was learned with its space, "z" was not: ▁ z
    typed = read("The z", PIECES)
    assert [(t.text, t.span) for t in typed[2:4]] == [(SPACE, (3, 4)), ("z", (4, 5))]
    assert [t.is_unknown for t in typed[2:4]] == [False, True]


def test_a_space_that_the_text_does_not_have_covers_nothing_of_it():
    # Pieces begin with a space; before the first character nobody typed it.
    typed = read("z", PIECES)
    assert [(t.text, t.span) for t in typed[1:3]] == [("␣", (0, 0)), ("z", (0, 1))]
    assert [t.is_unknown for t in typed[1:3]] == [False, True]


def test_unknown_parts_of_one_character_are_told_from_known_ones():
    assert [t.text for t in read("The ½", PIECES)][2:-1] == ["␣", "½⟨?⟩", "½⟨?⟩", "½⟨2⟩"]


def test_a_letter_and_a_space_are_tokens_alike():
    typed = read("a b", LETTERS)
    assert [t.text for t in typed] == ["[BOS]", "a", SPACE, "b", "[EOS]"]
    assert [t.span for t in typed] == [None, (0, 1), (1, 2), (2, 3), None]
    assert not any(t.is_unknown for t in typed)


@pytest.mark.parametrize("space", ["\n", "\t", "\u3000", "\u00a0"])
def test_white_space_of_any_kind_is_shown_as_one_mark(space):
    assert [t.text for t in read(f"a{space}b", LETTERS)][1:-1] == ["a", SPACE, "b"]


def test_a_mask_is_shown_without_its_space_and_is_a_word():
    typed = read("The [MASK] is", PIECES)
    assert [(t.text, t.span) for t in typed[1:-1]] == [
        ("The", (0, 3)), ("[MASK]", (4, 10)), ("is", (11, 13)),
    ]  # fmt: skip
    assert len({t.word for t in typed[1:-1]}) == 3
    assert [t.is_special for t in typed[1:-1]] == [False] * 3


def test_the_pieces_of_a_vocabulary_are_shown_as_text():
    assert [shown_piece(piece) for piece in ("▁The", "##ing", "cat", "▁")] == [
        " The", "ing", "cat", " ",
    ]  # fmt: skip


# --- what a model wrote ----------------------------------------------------------------------


def piece_ids(text):
    return PIECES.encode(text, add_special_tokens=False).ids


def piece(text):
    id_ = PIECES.token_to_id(text)
    assert id_ is not None
    return id_


def written_text(tokens, at=0):
    """The text that the spans index, put together from the tokens."""
    text = " " * at
    for token in tokens:
        if token.span is not None:
            text = text.ljust(token.span[0]) + token.text.replace(SPACE, " ")
            assert len(text) == token.span[1]
    return text[at:]


def test_written_pieces_stand_in_the_text_that_they_make():
    ids = [BOS_ID, *piece_ids("The cat is playing cards."), EOS_ID]
    written = written_tokens(ids, PIECES, SPECIAL_IDS)
    assert [t.id for t in written] == ids
    assert [t.position for t in written] == list(range(len(ids)))
    assert [written[0].text, written[-1].text] == ["[BOS]", "[EOS]"]
    assert written_text(written) == "The cat is playing cards."
    assert [(t.text, t.span) for t in written[1:3]] == [("The", (0, 3)), ("cat", (4, 7))]


def test_written_pieces_of_one_word_share_its_number():
    text = "playing The slept."  # no piece has all of "slept"
    written = written_tokens(piece_ids(text), PIECES, SPECIAL_IDS)
    words: dict[int | None, str] = {}
    for token in written:
        words[token.word] = words.get(token.word, "") + token.text.removeprefix(SPACE)
    assert list(words.values()) == ["playing", "The", "slept", "."]
    assert len(written) > 4


def test_what_is_written_after_a_text_counts_on_from_it():
    ids = piece_ids("The cat is")
    after = written_tokens(ids, PIECES, SPECIAL_IDS, position=5, at=10)
    assert [t.position for t in after] == [5, 6, 7]
    assert [t.text for t in after] == ["The", "cat", "is"]
    assert [t.span for t in after] == [(11, 14), (15, 18), (19, 21)]  # " The cat is" from 10 on


def test_letters_written_after_a_text_follow_it_without_a_gap():
    after = written_tokens(LETTERS.encode("ab", add_special_tokens=False).ids, LETTERS,
                           SPECIAL_IDS, position=4, at=3)  # fmt: skip
    assert [(t.text, t.span, t.position) for t in after] == [("a", (3, 4), 4), ("b", (4, 5), 5)]


def test_a_written_space_covers_one_character():
    ids = [*piece_ids("The"), piece("▁"), piece("a")]
    the, space, letter = written_tokens(ids, PIECES, SPECIAL_IDS)
    assert (the.span, space.span, letter.span) == ((0, 3), (3, 4), (4, 5))
    assert not space.text.strip(f" {SPACE}")


def test_a_space_written_first_adds_nothing_to_the_text():
    ids = [piece("▁"), piece("a")]
    space, letter = written_tokens(ids, PIECES, SPECIAL_IDS)
    assert (space.text.strip(SPACE), space.span) == ("", (0, 0))
    assert (letter.text, letter.span) == ("a", (0, 1))


@settings(max_examples=100, deadline=None)
@given(ids=st.lists(st.integers(0, PIECES.get_vocab_size() - 1), max_size=12), at=st.integers(0, 9))
def test_spans_of_anything_written_follow_each_other(ids, at):
    written = written_tokens(ids, PIECES, SPECIAL_IDS, position=3, at=at)
    assert [t.position for t in written] == list(range(3, 3 + len(ids)))
    end = at
    for token in written:
        assert token.is_special == (token.span is None) == (token.id in SPECIAL_IDS)
        if token.span is not None:
            assert end <= token.span[0] <= token.span[1] <= end + 1 + len(token.text)
            assert token.span[1] - token.span[0] == len(token.text)
            end = token.span[1]


def test_written_characters_are_words_of_their_own_with_spans():
    ids = CHARACTERS.encode("猫在床").ids
    written = written_tokens(ids, CHARACTERS, frozenset(range(4)))
    assert [t.text for t in written] == ["[BOS]", "猫", "在", "床", "[EOS]"]
    assert [t.span for t in written] == [None, (0, 1), (1, 2), (2, 3), None]
    assert [t.word for t in written] == [None, 0, 1, 2, None]
    assert [t.is_special for t in written] == [True, False, False, False, True]
    assert [t.id for t in written] == ids


def test_an_id_outside_the_vocabulary_is_written_as_nothing():
    (token,) = written_tokens([10**6], CHARACTERS, frozenset(range(4)))
    assert (token.text, token.span) == ("", (0, 0))


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("tokenizer", KINDS.values(), ids=KINDS)
def test_every_token_stands_where_its_span_says(text, tokenizer):
    stands_where_it_says(text, tokenizer)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=30))
def test_every_token_of_any_text_stands_where_its_span_says(text):
    for tokenizer in KINDS.values():
        stands_where_it_says(text, tokenizer)


def stands_where_it_says(text, tokenizer):
    at = 0
    for token in read(text, tokenizer):
        assert token.is_special == (token.span is None) == (token.word is None)
        if token.span is not None:
            start, end = token.span
            assert at <= start <= end <= len(text)
            # Only the space that is thought before a text covers nothing.
            assert start < end or token.text == SPACE
            covered = text[start:end] if text[start:end].strip() else SPACE
            assert token.text.startswith(covered)
            assert token.text == covered or token.text.endswith("⟩")
            assert covered == SPACE or not covered[0].isspace()
            at = start
