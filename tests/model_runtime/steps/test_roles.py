"""Which step a recorded part is, by hand: the sums that hold, and those that do not."""

import numpy as np

from model_runtime.steps.roles import Roles, roles

RNG = np.random.default_rng(3)
PRE = RNG.normal(size=(5, 6)).astype(np.float32)


def part():
    return RNG.normal(size=(5, 6)).astype(np.float32)


def layer(post, **parts):
    return {"resid_pre": PRE, **parts, "resid_post": post}


def test_without_the_stream_or_attention_nothing_is_told():
    assert roles({}) == Roles()
    assert roles({"resid_pre": PRE}) == Roles()
    assert roles(layer(part(), mixer=part(), norm=part())) == Roles()


def test_parts_that_add_up_are_what_is_added():
    attn, mlp = part(), part()
    found = roles(layer(PRE + attn + mlp, ln_1=part(), attn=attn, ln_2=part(), mlp=mlp))
    assert found.given == {"norm": "ln_1", "out": "attn", "ffn_norm": "ln_2", "ffn_out": "mlp"}
    assert found.added == {"add_attn": ((), "attn"), "add_ffn": (("attn",), "mlp")}
    assert not found.post


def test_of_a_norm_behind_attention_the_sum_says_that_it_is_added():
    attn, mlp, after, last = part(), part(), part(), part()
    found = roles(layer(PRE + after + last, self_attn=attn, norm_1=after, mlp=mlp, norm_2=last))
    assert found.added == {"add_attn": ((), "norm_1"), "add_ffn": (("norm_1",), "norm_2")}
    assert found.given == {"out": "self_attn", "ffn_out": "mlp"}


def test_cross_attention_is_added_in_between():
    attn, cross, mlp = part(), part(), part()
    found = roles(
        layer(
            PRE + attn + cross + mlp,
            norm1=part(), self_attn=attn, norm2=part(), encoder_attn=cross, norm3=part(), mlp=mlp,
        )
    )  # fmt: skip
    assert found.given["cross.norm"] == "norm2" and found.given["cross.out"] == "encoder_attn"
    assert found.added["cross.add_attn"] == (("self_attn",), "encoder_attn")
    assert found.added["add_ffn"] == (("self_attn", "encoder_attn"), "mlp")


def test_parts_that_do_not_add_up_are_given_and_no_sum_is_claimed():
    attn, mlp = part(), part()
    found = roles(layer(PRE + 0.2 * attn + 0.2 * mlp, ln_1=part(), attn=attn, ln_2=part(), mlp=mlp))
    assert found.given == {"norm": "ln_1", "out": "attn", "ffn_norm": "ln_2", "ffn_out": "mlp"}
    assert not found.added


def test_a_last_part_that_is_the_stream_itself_holds_the_addition():
    end = part()
    found = roles(layer(end, ln_1=part(), self_attention=part(), ln_2=part(), mlp=end))
    assert found.given == {"norm": "ln_1", "ffn_norm": "ln_2"} and not found.added


def test_an_attention_without_a_norm_beside_it_in_a_layer_that_ends_in_one_holds_its_own():
    end = part()
    found = roles(layer(end, attention=part(), intermediate=part(), output=end))
    assert found.post
    assert found.given == {"norm": "attention", "activation": "intermediate", "ffn_norm": "output"}


def test_what_passes_by_unchanged_is_no_step():
    attn, mlp = part(), part()
    found = roles(
        layer(PRE + attn + mlp, ln=part(), attention=attn, post_attention_dropout=attn, mlp=mlp)
    )
    assert found.added["add_attn"] == ((), "attention")


def test_a_sum_may_be_off_by_rounding_and_no_more():
    attn, mlp = part(), part()
    parts = {"ln_1": part(), "attn": attn, "ln_2": part(), "mlp": mlp}
    total = PRE + attn + mlp
    largest = np.abs(total).max()
    for off, holds in ((0.5e-5, True), (3e-5, False)):
        moved = total.astype(np.float64)
        moved[0, 0] += off * largest
        assert bool(roles(layer(moved, **parts)).added) is holds
