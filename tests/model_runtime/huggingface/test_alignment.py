"""Tokens without offsets are found in their text; words are those that people see."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import transformers
from transformers import CanineTokenizer, PerceiverTokenizer

from model_runtime.huggingface.alignment import Group, aligned, numbered, words_in
from model_runtime.huggingface.reading import Reader
from tests.model_runtime.huggingface.readers import tokenizer_of


def groups(*texts):
    return [Group(text, ((0, len(text)),)) for text in texts]


def found(text, *made, unknown=()):
    are_unknown = [i in unknown for i in range(len(made))]
    return [text[slice(*span)] for span in aligned(groups(*made), are_unknown, text)]


def test_what_makes_up_the_text_is_counted_off():
    assert aligned(groups("a", " ", "bc"), [False] * 3, "a bc") == [(0, 1), (1, 2), (2, 4)]


def test_bytes_of_a_character_share_it():
    shared = [Group("猫在", ((0, 1), (0, 2), (1, 2)))]
    assert aligned(shared, [False] * 3, "猫在") == [(0, 1), (0, 2), (1, 2)]


def test_case_width_accents_and_spaces_do_not_count():
    assert found("ÇÀ  ｆｏ", "c", "a", "fo") == ["Ç", "À", "ｆｏ"]


def test_white_space_stands_where_it_is_left_between_the_others():
    assert found("a b\u00a0", "a", "b", "\u00a0") == ["a", "b", "\u00a0"]
    assert found("a \tb", "a", "\t", "b") == ["a", "\t", "b"]
    assert found("a b", "a", "b", "\u00a0") == ["a", "b", ""]


def test_a_mark_that_stands_alone_is_found_where_it_stands():
    assert found("\u0300a b", "\u0300", "a", "b") == ["\u0300", "a", "b"]


def test_parts_of_one_character_share_it():
    assert found("½a", "1", "⁄", "2", "a") == ["½", "½", "½", "a"]


def test_what_is_unknown_is_what_is_left():
    assert found("a🍎b", "a", "?", "b", unknown=[1]) == ["a", "🍎", "b"]
    assert found("🍎🍎b", "?", "b", unknown=[0]) == ["🍎🍎", "b"]
    assert found("b🍎", "b", "?", unknown=[1]) == ["b", "🍎"]


def test_unknown_tokens_share_what_is_left_by_words():
    assert found("a xx yy b", "a", "?", "?", "b", unknown=[1, 2]) == ["a", "xx", "yy", "b"]
    assert found("xy", "?", "?", unknown=[0, 1]) == ["x", "y"]


def test_a_token_that_stands_nowhere_takes_what_nobody_else_has():
    assert found("aXXb", "a", "zz", "b") == ["a", "XX", "b"]
    assert found("ab", "a", "zz", "b") == ["a", "", "b"]


def test_of_a_text_that_is_cut_the_rest_is_nobodys():
    spans = aligned(groups("The", "?"), [False, True], "the 🍎 and more", is_whole=False)
    assert spans == [(0, 3), (4, 5)]


def test_words_signs_and_chinese_characters_are_words():
    text = "Don't go, 猫在 x1 e\u0301a 👨\u200d👩"
    words: dict[int, str] = {}
    for character, number in zip(text, words_in(text), strict=True):
        if number is not None:
            words[number] = words.get(number, "") + character
    assert list(words.values()) == [
        "Don", "'", "t", "go", ",", "猫", "在", "x1", "e\u0301a", "👨\u200d👩",
    ]  # fmt: skip


def test_a_space_goes_with_the_word_after_it():
    assert numbered(["a", None, "s", "b", "b"], [False, False, True, False, False]) == [
        0, None, 1, 1, 1,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [CanineTokenizer, PerceiverTokenizer])
def test_characters_and_bytes_need_no_tables(kind):
    tokenizer = kind()
    tokens, _, _ = Reader(tokenizer, "encoder", 64).tokens("Café 猫\n🍎", "é")
    assert [t.id for t in tokens] == tokenizer("Café 猫\n🍎", "é")["input_ids"]
    spans = {t.span for t in tokens if t.span and t.part == 0}
    assert spans == {(i, i + 1) for i in range(8)}
    assert {t.span for t in tokens if t.part == 1} - {None} == {(0, 1)}


def test_marks_of_what_goes_on_are_not_shown(tmp_path):
    (tmp_path / "vocab.json").write_text('{"re@@": 0, "a@@": 1, "c@@": 2, "t": 3, "<unk>": 4}')
    (tmp_path / "merges.txt").write_text("#version: 0.2\nr e\n\n")
    tokenizer = transformers.CTRLTokenizer(
        str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt")
    )
    reader = Reader(tokenizer, "decoder", 64)
    read = [(t.text, t.span) for t in reader.tokens("react t")[0]]
    assert read == [("re", (0, 2)), ("a", (2, 3)), ("c", (3, 4)), ("t", (4, 5)), ("t", (6, 7))]
    assert [(t.text, t.span) for t in reader.written([0, 1, 2, 3, 3])] == read


def test_one_reader_serves_many_at_once():
    reader = Reader(tokenizer_of("bert"), "encoder", 64)
    texts = ["the [SEP] cat", "the [MASK] cat", "the cat", "[SEP] [MASK]"] * 25
    alone = [reader.tokens(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(reader.tokens, texts)) == alone
