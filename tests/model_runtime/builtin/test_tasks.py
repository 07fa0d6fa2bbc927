"""What the generated tasks ask and answer, by example and for all that they make."""

import itertools
import random
import string
from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.builtin import tasks
from model_runtime.builtin.corpus import is_held_out
from model_runtime.builtin.lineup import LINEUP

TASKS = {"reversal": tasks.reversal, "addition": tasks.addition, "dates": tasks.dates}
seeds = st.integers(0, 2**32 - 1)

# How to read each way back, in the order of `ways_to_write`.
FORMATS = (
    "%B %d, %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%A, %B %d, %Y",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%m/%d/%Y",
    "%Y年%m月%d日",
    "%Y/%m/%d",
)


def test_a_word_reversed_twice_is_the_word():
    for seed in range(200):
        word, backwards = tasks.reversal(random.Random(seed))
        assert backwards[::-1] == word
        assert 3 <= len(word) <= 12
        assert set(word) <= set(string.ascii_lowercase)


def test_words_of_every_length_are_made():
    lengths = Counter(len(tasks.reversal(random.Random(seed))[0]) for seed in range(1000))
    assert set(lengths) == set(range(3, 13))


@settings(max_examples=200, deadline=None)
@given(seed=seeds)
def test_a_sum_is_the_sum_of_whole_numbers_ones_first(seed):
    question, answer = tasks.addition(random.Random(seed))
    a, b = question.split("+")
    assert len(a) == len(b) == 3
    assert len(answer) == 4
    assert int(a) + int(b) == int(answer[::-1])


def test_sums_are_written_as_the_line_up_says():
    class Given(random.Random):
        def randrange(self, *_):
            return numbers.pop(0)

    numbers = [123, 456, 7, 3]
    rng = Given()
    assert tasks.addition(rng) == ("123+456", "9750")
    assert tasks.addition(rng) == ("007+003", "0100")


def test_every_way_to_write_a_day_by_hand():
    assert tasks.ways_to_write(date(2024, 3, 5)) == (
        "March 5, 2024",
        "5 March 2024",
        "Mar 5, 2024",
        "5 Mar 2024",
        "05-MAR-2024",
        "Tuesday, March 5, 2024",
        "5.3.2024",
        "3/5/2024",
        "03/05/2024",
        "2024年3月5日",
        "2024/03/05",
    )


@settings(max_examples=300, deadline=None)
@given(day=st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_every_way_to_write_a_date_is_read_back_as_the_same_day(day):
    ways = tasks.ways_to_write(day)
    for way, form in zip(ways, FORMATS, strict=True):
        assert datetime.strptime(way, form).date() == day


@settings(max_examples=200, deadline=None)
@given(seed=seeds)
def test_the_answer_to_a_date_is_its_iso_form(seed):
    question, answer = tasks.dates(random.Random(seed))
    day = date.fromisoformat(answer)
    assert 1900 <= day.year <= 2099
    assert question in tasks.ways_to_write(day)


def test_dates_reach_from_the_first_day_to_the_last():
    assert tasks.FIRST_DAY == date(1900, 1, 1)
    assert tasks.FIRST_DAY + timedelta(days=tasks.N_DAYS - 1) == date(2099, 12, 31)


def test_all_ways_to_write_a_date_are_asked():
    met = set()
    for seed in range(400):
        question, answer = tasks.dates(random.Random(seed))
        met.add(tasks.ways_to_write(date.fromisoformat(answer)).index(question))
    # Where day and month have two digits two ways look alike; the first is then found.
    assert len(met) == len(FORMATS)


def test_the_examples_of_the_line_up_are_what_the_model_was_asked():
    for word in LINEUP["reversal"]["examples"]:
        assert 3 <= len(word) <= 12 and set(word) <= set(tasks.LETTERS)
    for question in LINEUP["addition"]["examples"]:
        assert [len(number) for number in question.split("+")] == [3, 3]
    for question in LINEUP["dates"]["examples"]:
        readings = set()
        for form in FORMATS:
            try:
                readings.add(datetime.strptime(question, form).date())
            except ValueError:
                continue
        assert any(question in tasks.ways_to_write(day) for day in readings), question


# --- held out --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_no_example_is_both_for_training_and_for_testing(name):
    task = TASKS[name]
    training = tasks.examples(task, 800, random.Random(1), held_out=False)
    testing = tasks.examples(task, 200, random.Random(1), held_out=True)
    assert (len(training), len(testing)) == (800, 200)
    assert not {question for question, _ in training} & {question for question, _ in testing}
    assert not any(is_held_out(question, tasks.ONE_IN) for question, _ in training)
    assert all(is_held_out(question, tasks.ONE_IN) for question, _ in testing)


@pytest.mark.parametrize("name", TASKS)
def test_one_example_in_ten_is_for_testing(name):
    made = [TASKS[name](random.Random(seed))[0] for seed in range(3000)]
    share = sum(is_held_out(question, tasks.ONE_IN) for question in made) / 3000
    assert 0.06 < share < 0.14


@pytest.mark.parametrize("name", TASKS)
def test_the_same_seed_makes_the_same_examples(name):
    one, same, other = (
        tasks.examples(TASKS[name], 20, random.Random(seed), held_out=False) for seed in (1, 1, 2)
    )
    assert one == same != other


# --- rows of letters -------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(seed=seeds, least=st.integers(1, 10), more=st.integers(0, 10))
def test_letters_by_chance_are_as_many_as_asked(seed, least, more):
    row = tasks.letters(random.Random(seed), least, least + more)
    assert least <= len(row) <= least + more
    assert set(row) <= set(string.ascii_lowercase)
    assert 4 <= len(tasks.letters(random.Random(seed))) <= 20


def told_share(row):
    """How many letters of a row come after a letter that was followed before, always by them."""
    followed: dict[str, set[str]] = {}
    told = 0
    for before, after in itertools.pairwise(row):
        told += followed.get(before) == {after}
        followed.setdefault(before, set()).add(after)
    return told


@settings(max_examples=200, deadline=None)
@given(seed=seeds)
def test_every_row_of_repeats_tells_something_and_fits_the_models_context(seed):
    row = tasks.repeats(random.Random(seed))
    assert set(row) <= set(string.ascii_lowercase)
    assert 12 <= len(row) <= 48
    assert told_share(row) >= 1


def test_repeats_are_made_in_two_ways_half_each():
    lengths = [len(tasks.repeats(random.Random(seed))) for seed in range(1000)]
    in_words = sum(
        max(Counter(tasks.repeats(random.Random(seed))).values()) > 2 for seed in range(1000)
    )
    assert 400 < in_words < 600  # a letter of a word comes more than twice, one of a stretch never
    assert 400 < lengths.count(48) < 600


@settings(max_examples=200, deadline=None)
@given(seed=seeds)
def test_no_letter_of_stretches_comes_three_times_and_the_first_come_again(seed):
    row = tasks._stretches_again(random.Random(seed))
    counts = Counter(row)
    assert max(counts.values()) == 2
    twice = [letter for letter in counts if counts[letter] == 2]
    first = row[: len(twice)]
    assert sorted(first) == sorted(twice)  # all different, and all of them come again
    assert 6 <= len(first) <= 20
    rest = row[len(twice) :]
    # Cut into 1 to 4 stretches: neighbours stay neighbours but for 3 cuts.
    kept = sum(first[n : n + 2] in rest for n in range(len(first) - 1))
    assert kept >= len(first) - 1 - 3
    # New letters set stretches apart, at most two before each.
    assert len(rest) - len(first) <= 2 * 4


@settings(max_examples=200, deadline=None)
@given(seed=seeds)
def test_a_row_of_words_is_cut_at_48_and_a_letter_belongs_to_one_word_only(seed):
    row = tasks._words_again(random.Random(seed))
    assert len(row) == 48
    following: dict[str, set[str]] = {}
    for before, after in itertools.pairwise(row):
        following.setdefault(before, set()).add(after)
    # Inside a word one letter follows; after a word's end any of up to six may begin.
    ends = [letter for letter, after in following.items() if len(after) > 1]
    assert len(ends) <= 6
    assert all(len(after) <= 6 for after in following.values())
