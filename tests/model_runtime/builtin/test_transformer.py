"""The Transformer against torch's own layers, the papers' formulas and its own promises."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.transformer import (
    Transformer,
    alibi_bias,
    attention,
    sinusoidal_table,
)

TINY = TransformerConfig(
    topology="encoder-decoder",
    source_vocab_size=13,
    target_vocab_size=11,
    context_length=10,
    d_model=24,
    n_heads=3,
    d_ff=32,
    n_layers=2,
)
POSITIONS = ("sinusoidal", "learned", "rotary", "alibi", "none")
TOPOLOGIES = ("encoder-decoder", "encoder", "decoder")
NORMS = ("pre", "post")
SOURCE = torch.tensor([[4, 7, 12, 5, 3]])
TARGET = torch.tensor([[2, 9, 4, 8]])


def tiny(**changes):
    changes = {"tie_unembedding": changes.get("topology") != "encoder"} | changes
    torch.manual_seed(0)
    model = Transformer(replace(TINY, **changes)).eval()
    with torch.no_grad():  # so that no bias is zero and no norm is the identity
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model


@torch.no_grad()
def run(model, source=SOURCE, target=TARGET, real=None):
    """(logits of one pass, everything recorded in it)."""
    found = {}

    def record(name, value):
        assert name not in found, f"{name} recorded twice"
        found[name] = value

    memory = None if model.encoder is None else model.encode(source, real, record)
    x = memory if model.decoder is None else model.decode(target, memory, real, record)
    return model.logits(x, record), found


EVERY_KIND = list(itertools.product(POSITIONS, NORMS, TOPOLOGIES))


@pytest.fixture(params=EVERY_KIND, ids=lambda kind: "-".join(kind))
def every_kind(request):
    positions, norm, topology = request.param
    return tiny(positions=positions, norm=norm, topology=topology)


def test_softmax_of_one_score_is_one_and_z_is_the_value():
    one = torch.tensor([0.4, 0.5, 0.6]).view(1, 1, 1, 3)
    assert torch.equal(attention(one, one, one * 2), one * 2)


def test_attention_equals_torchs_own():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 5, 8).unbind()
    mask = torch.ones(5, 5, dtype=torch.bool).tril()
    ours = attention(q, k, v, mask=mask, bias=alibi_bias(3, 5, 5))
    added = alibi_bias(3, 5, 5).masked_fill(~mask, -math.inf)
    theirs = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=added)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_every_kind_gives_finite_logits_for_every_token(every_kind):
    logits, _ = run(every_kind)
    encoder_only = every_kind.decoder is None
    assert logits.shape == (1, 5 if encoder_only else 4, TINY.target_vocab_size)
    assert logits.isfinite().all()


def test_recording_changes_no_logits(every_kind):
    recorded, _ = run(every_kind)
    with torch.no_grad():
        memory = every_kind.encode(SOURCE) if every_kind.encoder else None
        x = every_kind.decode(TARGET, memory) if every_kind.decoder else memory
        assert torch.equal(every_kind.logits(x), recorded)


def test_every_step_is_recorded_under_its_own_name(every_kind):
    config = every_kind.config
    attn = ["input", "q", "k", "v", "scores", "pattern", "z", "output"]
    attn += {"rotary": ["q_unrotated", "k_unrotated"], "alibi": ["bias"]}.get(config.positions, [])
    cross = ["input", "q", "k", "v", "scores", "pattern", "z", "output"]
    expected = {"logits"}
    for stack in ("encoder", "decoder"):
        if getattr(every_kind, stack) is None:
            continue
        expected |= {f"{stack}.embedding", f"{stack}.final"}
        if config.positions in ("sinusoidal", "learned"):
            expected.add(f"{stack}.positions")
        for layer in range(config.n_layers):
            at = f"{stack}.{layer}"
            expected |= {f"{at}.resid_pre", f"{at}.resid_mid", f"{at}.resid_post"}
            expected |= {f"{at}.attn.{name}" for name in attn}
            expected |= {f"{at}.ffn.{name}" for name in ("input", "pre", "post", "output")}
            if stack == "decoder":
                expected.add(f"{at}.attn.mask")
                if every_kind.encoder is not None:
                    expected |= {f"{at}.resid_cross"} | {f"{at}.cross.{name}" for name in cross}
    assert set(run(every_kind)[1]) == expected


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_residual_stream_of_a_pre_norm_model_is_a_sum(positions):
    _, found = run(tiny(positions=positions))
    for stack, layer in itertools.product(("encoder", "decoder"), range(2)):
        at = f"{stack}.{layer}"
        after = found[f"{at}.resid_pre"] + found[f"{at}.attn.output"]
        if stack == "decoder":
            torch.testing.assert_close(found[f"{at}.resid_cross"], after)
            after = after + found[f"{at}.cross.output"]
        torch.testing.assert_close(found[f"{at}.resid_mid"], after)
        whole = found[f"{at}.resid_mid"] + found[f"{at}.ffn.output"]
        torch.testing.assert_close(found[f"{at}.resid_post"], whole)
        if layer:
            before = found[f"{stack}.{layer - 1}.resid_post"]
            assert torch.equal(found[f"{at}.resid_pre"], before)


def test_a_post_norm_stream_has_mean_zero_and_variance_one_but_for_the_norms_weights():
    torch.manual_seed(0)
    _, found = run(Transformer(replace(TINY, norm="post")).eval())
    for name in ("encoder.0.resid_mid", "decoder.1.resid_cross", "decoder.1.resid_post"):
        torch.testing.assert_close(
            found[name].mean(-1), found[name].mean(-1) * 0, atol=1e-5, rtol=0
        )
        variance = found[name].var(-1, unbiased=False)
        torch.testing.assert_close(variance, torch.ones_like(variance), atol=1e-3, rtol=0)


def copied(ours, theirs):
    """Copy one of our layers into torch's encoder or decoder layer."""
    norms = [ours.attn_residual.norm, ours.ffn_residual.norm]
    attentions = [(ours.attn, theirs.self_attn)]
    if ours.cross is not None:
        norms.insert(1, ours.cross_residual.norm)
        attentions.append((ours.cross, theirs.multihead_attn))
    for mine, yours in attentions:
        rows = torch.cat([mine.w_q.weight, mine.w_k.weight, mine.w_v.weight])
        yours.in_proj_weight.copy_(rows)
        yours.out_proj.weight.copy_(mine.w_o.weight)
    for number, norm in enumerate(norms, 1):
        getattr(theirs, f"norm{number}").load_state_dict(norm.state_dict())
    theirs.linear1.load_state_dict(ours.ffn.w_in.state_dict())
    theirs.linear2.load_state_dict(ours.ffn.w_out.state_dict())
    for attention_module in (theirs.self_attn, getattr(theirs, "multihead_attn", None)):
        if attention_module is not None:
            attention_module.in_proj_bias.zero_()
            attention_module.out_proj.bias.zero_()
    return theirs.eval()


@torch.no_grad()
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("norm", NORMS)
def test_an_encoder_decoder_equals_one_of_torchs_layers_with_the_same_weights(norm, activation):
    model = tiny(norm=norm, activation=activation)
    kind = {
        "d_model": 24, "nhead": 3, "dim_feedforward": 32, "dropout": 0.0, "batch_first": True,
        "norm_first": norm == "pre", "activation": activation,
    }  # fmt: skip

    def embedded(stack, ids):
        return stack.embedding.weight[ids] * math.sqrt(24) + sinusoidal_table(ids.shape[1], 24)

    memory = embedded(model.encoder, SOURCE)
    for layer in model.encoder.layers:
        memory = copied(layer, nn.TransformerEncoderLayer(**kind))(memory)
    memory = model.encoder.final_norm(memory)
    x = embedded(model.decoder, TARGET)
    ahead = nn.Transformer.generate_square_subsequent_mask(4)
    for layer in model.decoder.layers:
        x = copied(layer, nn.TransformerDecoderLayer(**kind))(x, memory, tgt_mask=ahead)
    theirs = model.decoder.final_norm(x) @ model.decoder.embedding.weight.T
    torch.testing.assert_close(run(model)[0], theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("topology", ["encoder-decoder", "decoder"])
def test_a_later_target_token_never_changes_earlier_logits(positions, topology):
    model = tiny(positions=positions, topology=topology)
    before = run(model)[0]
    for changed in range(1, 4):
        target = TARGET.clone()
        target[0, changed] = 5
        after = run(model, target=target)[0]
        assert torch.equal(after[:, :changed], before[:, :changed])
        assert not torch.equal(after[:, changed:], before[:, changed:])


@torch.no_grad()
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("positions", POSITIONS)
def test_a_padded_batch_gives_what_each_sentence_gets_alone(positions, norm):
    model = tiny(positions=positions, norm=norm)
    sources = [[4, 7, 12, 5, 3], [6, 3], [8]]
    padded = torch.tensor([ids + [0] * (5 - len(ids)) for ids in sources])
    target = TARGET.expand(3, -1)
    together = run(model, padded, target, real=padded != 0)[0]
    for row, ids in enumerate(sources):
        alone = run(model, torch.tensor([ids]))[0][0]
        torch.testing.assert_close(together[row], alone, atol=1e-5, rtol=1e-5)


def test_without_positions_an_encoders_rows_follow_the_order_of_its_input():
    order = torch.tensor([3, 0, 4, 1, 2])
    for positions in POSITIONS:
        model = tiny(topology="encoder", positions=positions)
        moved, plain = run(model, SOURCE[:, order])[0], run(model)[0][:, order]
        same = torch.allclose(moved, plain, atol=1e-5)
        assert same == (positions == "none"), positions


def test_a_tied_unembedding_is_the_embedding_itself():
    tied, untied = tiny(), tiny(tie_unembedding=False)
    assert tied.unembedding.weight.data_ptr() == tied.decoder.embedding.weight.data_ptr()
    assert untied.unembedding.weight.data_ptr() != untied.decoder.embedding.weight.data_ptr()
    extra = TINY.target_vocab_size * TINY.d_model
    n_tied, n_untied = (sum(p.numel() for p in m.parameters()) for m in (tied, untied))
    assert n_untied - n_tied == extra


def test_a_width_that_heads_cannot_share_is_refused():
    with pytest.raises(ValueError, match=r"24 .* 5"):
        replace(TINY, n_heads=5)


def test_rotary_heads_of_odd_width_are_refused():
    with pytest.raises(ValueError, match="odd"):
        replace(TINY, d_model=9, positions="rotary")
    assert replace(TINY, d_model=9).d_head == 3


def test_a_tied_encoder_with_two_vocabularies_is_refused_or_gives_the_targets_logits():
    try:
        model = tiny(topology="encoder", tie_unembedding=True)
    except ValueError:
        return
    assert run(model)[0].shape[-1] == TINY.target_vocab_size
