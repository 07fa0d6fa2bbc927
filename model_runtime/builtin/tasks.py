"""Tasks that a rule generates, so crisp that one can say beforehand where to look.

Knows text and rules only; how a model learns a task is in `recipes/tasks.py`.
"""

import random
from collections.abc import Callable
from datetime import date, timedelta

from model_runtime.builtin.corpus import is_held_out

Example = tuple[str, str]
Task = Callable[[random.Random], Example]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MONTHS = (
    "January February March April May June July August September October November December"
).split()
FIRST_DAY = date(1900, 1, 1)
N_DAYS = (date(2100, 1, 1) - FIRST_DAY).days
ONE_IN = 10  # one input in so many is held out


def reversal(rng: random.Random) -> Example:
    """3 to 12 letters → the same backwards: "cat" → "tac"."""
    letters = "".join(rng.choices(LETTERS, k=rng.randint(3, 12)))
    return letters, letters[::-1]


def addition(rng: random.Random) -> Example:
    """The sum of two three-digit numbers, ones first: "123+456" → "9750".

    Ones first, as one adds by hand: each digit then needs its own column and the carry.
    """
    a, b = rng.randrange(1000), rng.randrange(1000)
    return f"{a:03}+{b:03}", f"{a + b:04}"[::-1]


def dates(rng: random.Random) -> Example:
    """One of many ways to write a date between 1900 and 2099 → ISO 8601: 2024-03-05."""
    day = FIRST_DAY + timedelta(days=rng.randrange(N_DAYS))
    return rng.choice(ways_to_write(day)), day.isoformat()


def ways_to_write(day: date) -> tuple[str, ...]:
    """The ways that the model of dates learns. With slashes, the month comes first."""
    month, short = MONTHS[day.month - 1], MONTHS[day.month - 1][:3]
    return (
        f"{month} {day.day}, {day.year}",
        f"{day.day} {month} {day.year}",
        f"{short} {day.day}, {day.year}",
        f"{day.day} {short} {day.year}",
        f"{day.day:02}-{short.upper()}-{day.year}",
        f"{day:%A}, {month} {day.day}, {day.year}",
        f"{day.day}.{day.month}.{day.year}",
        f"{day.month}/{day.day}/{day.year}",
        f"{day.month:02}/{day.day:02}/{day.year}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}/{day.month:02}/{day.day:02}",
    )


def examples(task: Task, n: int, rng: random.Random, *, held_out: bool) -> list[Example]:
    """n examples whose inputs are all kept for testing, or none of them."""
    found: list[Example] = []
    while len(found) < n:
        example = task(rng)
        if is_held_out(example[0], ONE_IN) == held_out:
            found.append(example)
    return found


def letters(rng: random.Random, least: int = 4, most: int = 20) -> str:
    """Letters by chance, repeats and all: what the five `positions` models read."""
    return "".join(rng.choices(LETTERS, k=rng.randint(least, most)))


def repeats(rng: random.Random) -> str:
    """A row of letters in which stretches come again, at distances that vary: what the model
    `induction` reads. Half of the rows are made in each of two ways."""
    return _words_again(rng) if rng.random() < 0.5 else _stretches_again(rng)


def _words_again(rng: random.Random, n: int = 48) -> str:
    """2 to 6 made-up words of 2 to 8 letters, no letter in two of them, said in any order:
    "kxqwplkxqkxqzmbwpl". A letter tells what follows, if its word has been seen."""
    unused = rng.sample(LETTERS, len(LETTERS))
    words = []
    for _ in range(rng.randint(2, 6)):
        size = rng.randint(2, 8)
        if len(unused) < size:
            break
        words.append("".join(unused[:size]))
        del unused[:size]
    row = ""
    while len(row) < n:
        row += rng.choice(words)
    return row[:n]


def _stretches_again(rng: random.Random) -> str:
    """6 to 20 different letters, then all of them again, cut into 1 to 4 stretches that
    change places and are set apart by new letters. No letter stands there three times."""
    first = rng.sample(LETTERS, rng.randint(6, 20))
    unused = [letter for letter in LETTERS if letter not in first]
    rng.shuffle(unused)
    cuts = sorted(rng.sample(range(1, len(first)), rng.randint(0, 3)))
    stretches = [
        first[start:end] for start, end in zip([0, *cuts], [*cuts, len(first)], strict=True)
    ]
    rng.shuffle(stretches)
    row = first
    for stretch in stretches:
        n_new = rng.randint(0, 2)
        row = row + unused[:n_new] + stretch
        del unused[:n_new]
    return "".join(row)
