"""Which language a run speaks, and that it falls back to the sentence itself."""

import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest

from shell import language
from shell.language import LANGUAGES, activate, best_of, current, ngettext


def spoken_in(code, call):
    """What `call` returns in a run that speaks `code`; other runs are left alone."""

    def run():
        activate(code)
        return call()

    return contextvars.copy_context().run(run)


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        (["zh"], "zh"),
        (["zh-CN"], "zh"),
        (["zh_Hans_CN"], "zh"),
        (["ZH-tw"], "zh"),
        (["en-GB"], "en"),
        (["de", "zh-CN", "en"], "zh"),
        (["de"], "en"),
        (["zhuang"], "en"),
        ([None], "en"),
        ([""], "en"),
        (["-"], "en"),
        ([], "en"),
    ],
)
def test_the_first_language_that_we_speak_is_taken(accepted, spoken):
    assert best_of(accepted) == spoken


def test_english_is_the_sentence_itself():
    assert current() == "en"
    assert language._("No such sentence.") == "No such sentence."
    assert (ngettext("one", "many", 1), ngettext("one", "many", 2)) == ("one", "many")


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_unknown_sentence_stays_itself_in_every_language(code):
    assert spoken_in(code, lambda: language._("No such sentence.")) == "No such sentence."


def test_a_run_speaks_its_own_language_beside_others():
    def speak(code):
        return spoken_in(code, current)

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(speak, ["zh", "en"] * 20)) == ["zh", "en"] * 20
    assert current() == "en"
