"""The switches under every picture of patterns: what is left out, merged, averaged.

Draws the widgets of the choices that `state` keeps. Knows no picture and no maths.
"""

from typing import get_args

import streamlit as st

from model_runtime.views import Mean
from shell import address, state
from shell.language import _


def draw() -> None:
    """What is shown of the patterns; each says what it changes."""
    means = {
        "none": _("each head"),
        "heads": _("mean over heads"),
        "layers": _("mean over layers"),
        "both": _("mean over all"),
    }
    with st.container(key="switches", horizontal=True, vertical_alignment="center"):
        st.checkbox(
            _("hide special tokens"),
            key=address.SPECIALS,
            on_change=state.touched,
            help=_(
                "Leaves out their rows and columns. Nothing is rescaled: a row then sums "
                "to what is left."
            ),
        )
        st.checkbox(
            _("ignore the first token"),
            key=address.FIRST,
            on_change=state.touched,
            help=_(
                "Leaves out the first key and rescales each row to sum to 1. Many heads park "
                "their share on the first token when nothing else matters, and it drowns "
                "the rest."
            ),
        )
        st.checkbox(
            _("merge pieces into words"),
            key=address.WORDS,
            on_change=state.touched,
            help=_(
                "A word's pieces become one: shares to them are added up, shares from them "
                "averaged. Chinese characters stay single."
            ),
        )
        st.segmented_control(
            _("mean"),
            get_args(Mean),
            key=address.MEAN,
            format_func=means.__getitem__,
            label_visibility="collapsed",
            required=True,
            on_change=state.touched,
            help=_(
                "Averages the patterns of several heads, cell by cell. A mean hides what its "
                "heads do differently."
            ),
        )
