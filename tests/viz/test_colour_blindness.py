"""The colours as they are seen without one kind of cone (Machado, Oliveira and Fernandes 2009).

Differences are ΔE in CAM02-UCS, by colorspacious: 1 is about the least that can be seen.
"""

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE

from viz.theme import palette

GROUNDS = ("light", "dark")
EYES = ("protanomaly", "deuteranomaly", "tritanomaly")
SEEN = 4.0  # beyond doubt, also for cells that do not touch


def seen(colours, eyes):
    """sRGB as it looks to somebody without the cone, each 0…1; [colour, channel]."""
    rgb = [[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours]
    blind = {"name": "sRGB1+CVD", "cvd_type": eyes, "severity": 100}
    return np.clip(cspace_convert(rgb, blind, "sRGB1"), 0, 1)


def difference(one, other):
    return deltaE(one, other, input_space="sRGB1")


def test_red_and_green_of_one_lightness_are_hard_to_tell_without_green_cones():
    red, green = seen(["#d05050", "#5f8a2f"], "deuteranomaly")
    plainly = difference(*(np.array(c) / 255 for c in ((208, 80, 80), (95, 138, 47))))
    assert difference(red, green) < plainly / 3


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_more_is_always_lighter_or_always_darker_and_each_step_is_seen(ground, eyes):
    stops = seen(palette(ground)["sequential"], eyes)
    lightness = cspace_convert(stops, "sRGB1", "CAM02-UCS")[:, 0]
    towards = 1 if ground == "dark" else -1
    assert (towards * np.diff(lightness) > 3).all()
    assert (difference(stops[:-1], stops[1:]) > SEEN).all()


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_a_number_is_never_taken_for_its_opposite(ground, eyes):
    stops = seen(palette(ground)["diverging"], eyes)
    middle = len(stops) // 2
    apart = difference(stops[:middle], stops[: -middle - 1 : -1])
    assert apart.min() > 3 * SEEN


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_the_accent_is_no_share(ground, eyes):
    colours = palette(ground)
    (accent,) = seen([colours["accent"]], eyes)
    shares = seen(colours["sequential"], eyes)
    assert difference(np.broadcast_to(accent, shares.shape), shares).min() > 3 * SEEN
