"""Checkpoints from disk, opened and traced: beside what transformers computes of the same ids."""

import json
import shutil
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tokenizers.processors import TemplateProcessing

from model_runtime import catalog
from model_runtime.errors import (
    Corrupt,
    ModelFailed,
    ModelsBusy,
    NoEmbedding,
    NothingRead,
    TextTooLargeForMemory,
)
from model_runtime.huggingface.checking import NO_SOFTMAX
from model_runtime.huggingface.loading import NO_HEAD, UNUSED
from model_runtime.huggingface.memory import trace_bytes
from model_runtime.recording import Progress
from model_runtime.settings import settings
from model_runtime.tracing import CHECKED_ROWS, trace
from tests.model_runtime.huggingface.checkpoints import CONTEXT, FAMILIES, make
from tests.model_runtime.huggingface.openable import folder, opened, root

__all__ = ["folder", "opened", "root"]  # fixtures

TEXTS = (
    "The cat sat on the mat.",
    "猫在床上睡觉。",
    "for i in range(3):\n\tprint('🍎', i)  # é",
    "a",
    "cat " * 200,
)
DECODERS = ("gpt2", "llama", "llama-chat", "mistral", "gemma2", "bloom", "falcon", "jamba")
MASKED = ("bert", "roberta", "deberta-v2")
SEQ2SEQ = ("t5", "byt5", "bart")


@pytest.fixture(scope="module")
def bare(folder):
    """The same model without Headlight."""

    def load(family):
        model_class = getattr(transformers, FAMILIES[family].model)
        model = model_class.from_pretrained(folder(family), attn_implementation="eager")
        return model.float().eval()

    return cache(load)


def ids(tokens):
    return torch.tensor([[token.id for token in tokens]])


def messages(found):
    """What is said of a model's self-check."""
    assert found.info.self_check is not None
    return [remark.message for remark in found.info.self_check.remarks]


def own_output(model, found):
    """What transformers gives for the ids of a trace."""
    inputs: dict[str, Any] = {"output_attentions": True, "use_cache": False}
    if found.info.family == "encoder":
        inputs["input_ids"] = ids(found.reading.source)
        if found.reading.segments:
            inputs["token_type_ids"] = torch.tensor([found.reading.segments])
    elif found.info.family == "decoder":
        inputs["input_ids"] = ids(found.reading.target[:-1])
    else:
        inputs["input_ids"] = ids(found.reading.source)
        inputs["decoder_input_ids"] = ids(found.reading.target[:-1])
    with torch.no_grad():
        return model(**inputs)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_text_is_traced_and_checks(opened, family):
    for text in TEXTS:
        assert trace(opened(family), text).check <= 1e-5


@pytest.mark.parametrize("family", [*DECODERS, *MASKED, *SEQ2SEQ])
def test_the_numbers_are_those_that_transformers_computes_of_the_same_ids(opened, bare, family):
    for text in TEXTS:
        found = trace(opened(family), text)
        own = own_output(bare(family), found)
        np.testing.assert_allclose(found.logits, own.logits[0].numpy(), atol=2e-5)
        returned = {
            "encoder": own.get("encoder_attentions", own.get("attentions")),
            "decoder": own.get("decoder_attentions", own.get("attentions")),
            "cross": own.get("cross_attentions"),
        }
        for record in found.records:
            layers = [pattern for pattern in returned[record.stack] if pattern is not None]
            layer = [r.layer for r in found.records if r.stack == record.stack].index(record.layer)
            pattern = np.stack([record.pattern(head) for head in range(record.n_heads)])
            np.testing.assert_allclose(pattern, layers[layer][0].numpy(), atol=1e-5)


@pytest.mark.parametrize("family", DECODERS)
def test_a_decoder_goes_on_by_the_token_that_it_holds_likeliest(opened, bare, family):
    found = trace(opened(family), TEXTS[0])
    assert found.reading.target_is_own and found.info.writes
    last = own_output(bare(family), found).logits[0, -1]
    assert found.reading.target[-1].id == int(last.argmax())
    assert found.reading.n_given == len(found.reading.target) - 1


@pytest.mark.parametrize("family", SEQ2SEQ)
def test_an_encoder_decoder_writes_what_generate_writes(opened, bare, family):
    found = trace(opened(family), TEXTS[0])
    written = bare(family).generate(ids(found.reading.source), do_sample=False, max_new_tokens=64)
    # Where bart must stop, generate puts [EOS] in place of the likeliest token.
    assert ids(found.reading.target)[:, :64].tolist() == written[:, :64].tolist()


def test_what_is_set_for_nicer_writing_does_not_change_the_models_own_choice(root, opened):
    """bart-large-cnn, for one, comes with a least length and no repeated words."""
    made = make("bart", root / "nicer")
    path = made / "generation_config.json"
    nicer = {"repetition_penalty": 3.0, "no_repeat_ngram_size": 1, "min_length": 60, "num_beams": 4}
    path.write_text(json.dumps(json.loads(path.read_text()) | nicer))
    plain, nicely = (
        trace(model, TEXTS[0]) for model in (opened("bart"), catalog.open_model(str(made)))
    )
    assert ids(plain.reading.target).tolist() == ids(nicely.reading.target).tolist()
    # Each token is the likeliest where it stands, which no penalty would leave so.
    chosen = [int(row.argmax()) for row in plain.logits]
    assert chosen == ids(plain.reading.target)[0, 1:].tolist()


@pytest.mark.parametrize("family", [*DECODERS, *SEQ2SEQ])
def test_a_typed_target_is_read_as_it_is(opened, family):
    found = trace(opened(family), "The cat", "sat on the mat.")
    assert not found.reading.target_is_own
    after = found.reading.target[found.reading.n_given :]
    shown = "".join(token.text for token in after if not token.is_special)
    assert shown.replace("␣", "").replace(" ", "") == "satonthemat."
    assert found.check <= 1e-5


@pytest.mark.parametrize("family", [*MASKED, "electra-classifying", "bert-answering"])
def test_a_pair_is_read_as_its_tokenizer_reads_it(opened, folder, family):
    found = trace(opened(family), "Who sat?", pair_text="The cat sat.")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder(family))
    expected = tokenizer("Who sat?", "The cat sat.")
    assert [token.id for token in found.reading.source] == expected["input_ids"]
    assert {token.part for token in found.reading.source} == {0, 1}
    assert list(found.reading.segments) == expected.get("token_type_ids", [])
    assert found.check <= 1e-5


def test_a_second_text_changes_what_a_model_with_segments_computes(opened):
    alone = trace(opened("bert"), "Who sat? The cat sat.")
    pair = trace(opened("bert"), "Who sat?", pair_text="The cat sat.")
    assert len(pair.reading.source) == len(alone.reading.source) + 1


def test_a_chat_message_goes_through_the_models_template(opened, folder):
    found = trace(opened("llama-chat"), "Hi there", chat=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder("llama-chat"))
    message = [{"role": "user", "content": "Hi there"}]
    expected: Any = tokenizer.apply_chat_template(
        message, add_generation_prompt=True, return_dict=True
    )
    assert [token.id for token in found.reading.target[:-1]] == expected["input_ids"]
    assert found.request.chat
    assert not trace(opened("llama"), "Hi there", chat=True).request.chat


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_told_of_a_model_is_what_its_config_says(opened, bare, family):
    info, config = opened(family).info, bare(family).config
    assert info.architecture == FAMILIES[family].model
    assert info.n_parameters == bare(family).num_parameters()
    if info.stacks:
        assert info.n_heads == config.num_attention_heads
        assert info.d_model == config.hidden_size
        assert info.opens_at.stack == info.stacks[-1]
    assert info.self_check is not None
    assert max(info.self_check.pattern, info.self_check.z, info.self_check.logits) <= 1e-5


@pytest.mark.parametrize(
    ("family", "predicts"),
    [
        ("electra-classifying", "text labels"),
        ("bert-labelling", "token labels"),
        ("bert-answering", "answer span"),
        ("bert-alone", "nothing"),
        ("bert", "tokens"),
    ],
)
def test_a_model_says_what_it_predicts_and_has_logits_for_it(opened, family, predicts):
    found = trace(opened(family), TEXTS[0])
    n = len(found.reading.source)
    shapes = {"text labels": (1, 3), "token labels": (n, 3), "answer span": (n, 2)}
    assert found.info.predicts == predicts
    expected = (0, 0) if predicts == "nothing" else (n, len(found.info.vocabulary))
    assert found.logits.shape == shapes.get(predicts, expected)


def test_a_hybrid_shows_its_attention_layers_alone(opened):
    found = trace(opened("jamba"), TEXTS[0])
    kinds = opened("jamba")._model.config.layers_block_type
    assert found.layers("decoder") == tuple(
        n for n, kind in enumerate(kinds) if kind == "attention"
    )


def test_without_softmax_attention_the_rest_is_there_and_a_sentence_says_so(opened):
    found = trace(opened("mamba"), TEXTS[0])
    assert found.info.stacks == () and found.records == ()
    assert messages(found) == [NO_SOFTMAX]
    assert found.logits.shape[0] == len(found.reading.target) - 1


def test_a_config_that_promises_a_head_that_is_not_there_is_shown_without(opened, folder, root):
    from safetensors.torch import load_file, save_file

    made = make("bert", root / "headless")
    weights = load_file(made / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("cls.")}
    save_file(kept, made / "model.safetensors", {"format": "pt"})
    found = trace(catalog.open_model(str(made)), TEXTS[0])
    assert found.info.predicts == "nothing"
    assert messages(found) == [NO_HEAD]


@pytest.mark.parametrize("family", ["gpt2", "bert", "gemma2", "bloom", "t5"])
def test_a_long_text_keeps_less_and_is_checked_in_some_rows(root, family):
    """gemma2 and bloom cannot go the quick way; the others do."""
    made = make(family, root / f"long-{family}", context=600)
    found = trace(catalog.open_model(str(made)), "one cat and two dogs " * 120)
    n = len(found.tokens(found.info.stacks[0])[0])
    assert n > 300
    assert found.checked_rows == CHECKED_ROWS
    assert found.check <= 1e-5
    assert {name.split(".")[-1] for name in found.intermediates} <= {"resid_pre", "resid_post"}
    assert len(found.records) == (6 if family == "t5" else 2)


def test_beyond_the_context_a_text_is_cut_and_the_rest_counted(opened):
    found = trace(opened("gpt2"), "cat " * 200)
    assert len(found.tokens("decoder")[0]) == CONTEXT
    assert found.reading.left_out > 0


def test_a_text_that_would_take_too_much_memory_is_refused_with_what_fits(opened, monkeypatch):
    model = opened("gpt2")
    monkeypatch.setenv("HEADLIGHT_TRACE_MEMORY", "20 KiB")
    settings.cache_clear()
    with pytest.raises(TextTooLargeForMemory) as refused:
        trace(model, "cat " * 60)
    assert 0 < int(str(refused.value.values["most"])) < 60
    monkeypatch.undo()
    settings.cache_clear()


def test_room_is_asked_for_before_any_weight_is_loaded(folder):
    asked: list[int] = []
    heard: list[Progress] = []

    def no_room(size):
        asked.append(size)
        raise ModelsBusy(ref="mine")

    with pytest.raises(ModelsBusy):
        catalog.open_model(str(folder("gpt2")), heard.append, no_room)
    assert asked == [sum(p.numel() for p in _weights(folder("gpt2")).values()) * 4]
    assert [progress.stage for progress in heard] == ["looking"]


def test_opening_says_how_far_it_is(folder):
    heard: list[Progress] = []
    catalog.open_model(str(folder("gpt2")), heard.append)
    stages = list(dict.fromkeys(progress.stage for progress in heard))
    assert stages == ["looking", "loading", "checking"]


def _weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def altered(folder, root, family, name):
    """A copy of a checkpoint, to be changed."""
    target = root / name
    shutil.rmtree(target, ignore_errors=True)
    return shutil.copytree(folder(family), target)


def test_a_token_that_the_model_was_never_resized_for_is_named(folder, root):
    mine = altered(folder, root, "llama", "resized")
    tokenizer = transformers.AutoTokenizer.from_pretrained(mine)
    tokenizer.add_tokens(["zebra"])
    tokenizer.save_pretrained(mine)
    model: Any = catalog.open_model(str(mine))
    assert trace(model, "a cat").check <= 1e-5
    with pytest.raises(NoEmbedding) as raised:
        trace(model, "a zebra")
    n = model._model.get_input_embeddings().num_embeddings
    assert raised.value.values == {"model": "resized", "token": "zebra", "id": n, "n": n}
    with pytest.raises(NoEmbedding):
        trace(model, "a cat", "zebra")


def test_a_blank_that_the_model_does_not_know_is_not_offered(folder, root):
    mine = altered(folder, root, "bert", "blankless")
    tokenizer = transformers.AutoTokenizer.from_pretrained(mine)
    tokenizer.add_special_tokens({"mask_token": "<blank>"})
    tokenizer.save_pretrained(mine)
    model = catalog.open_model(str(mine))
    assert model.info.mask == ""
    for example in model.info.examples:
        assert trace(model, example).check <= 1e-5


def test_a_text_of_which_the_tokenizer_makes_nothing_is_said(opened):
    for text in ("\u200b", "\ufeff", "\x7f"):
        with pytest.raises(NothingRead):
            trace(opened("bert-generation"), text)


def test_a_config_that_asks_for_tuples_opens_all_the_same(folder, root):
    mine = altered(folder, root, "gpt2", "tuples")
    path = mine / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"return_dict": False}))
    assert trace(catalog.open_model(str(mine)), "a cat").check <= 1e-5


def test_tables_that_a_model_makes_itself_count_as_memory_too(opened):
    model = opened("gpt2")._model
    tensors = {t.data_ptr(): t.nbytes for t in (*model.parameters(), *model.buffers())}
    assert opened("gpt2").nbytes == sum(tensors.values())


@pytest.mark.parametrize("family", ["bloom", "gpt2", "t5", "deberta-v2", "mistral"])
def test_the_memory_of_a_recording_is_known_before_it_is_made(opened, family):
    model = opened(family)
    for text in ("cat " * 10, "cat " * 100):
        kept = trace(model, text)
        n = max(len(kept.reading.source), len(kept.reading.target))
        estimate = trace_bytes(model._config, n, model._cell_bytes)
        assert estimate / 3 <= kept.nbytes <= estimate * 1.5


def test_a_classifier_reads_the_end_token_that_its_tokenizer_adds(folder, root):
    mine = altered(folder, root, "llama", "classifier")
    tokenizer = transformers.AutoTokenizer.from_pretrained(mine)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        special_tokens=[("<s>", tokenizer.bos_token_id), ("</s>", tokenizer.eos_token_id)],
    )
    tokenizer.save_pretrained(mine)
    config = transformers.AutoConfig.from_pretrained(mine, num_labels=3)
    config.pad_token_id = config.eos_token_id
    torch.manual_seed(0)
    transformers.LlamaForSequenceClassification(config).save_pretrained(mine)
    own = transformers.LlamaForSequenceClassification.from_pretrained(mine).eval()
    with torch.no_grad():
        expected = own(**tokenizer("a cat", return_tensors="pt")).logits[0].numpy()
    kept = trace(catalog.open_model(str(mine)), "a cat")
    assert [token.id for token in kept.reading.target] == tokenizer("a cat")["input_ids"]
    np.testing.assert_allclose(kept.logits[-1], expected, atol=1e-5)


@pytest.mark.parametrize("start", [None, -1, 10**6])
def test_a_text_that_begins_with_no_token_is_a_damaged_config(folder, root, start):
    mine = altered(folder, root, "t5", "startless")
    (mine / "generation_config.json").unlink()
    config = json.loads((mine / "config.json").read_text()) | {"bos_token_id": None}
    config.pop("decoder_start_token_id", None)
    if start is not None:
        config["decoder_start_token_id"] = start
    (mine / "config.json").write_text(json.dumps(config))
    with pytest.raises(Corrupt, match=f"token {start}"):
        catalog.open_model(str(mine))


def test_a_pair_for_a_model_of_one_segment_is_read_all_the_same(folder, root):
    mine = altered(folder, root, "bert", "segmentless")
    config = transformers.AutoConfig.from_pretrained(mine, type_vocab_size=1)
    transformers.BertForMaskedLM(config).save_pretrained(mine)
    kept = trace(catalog.open_model(str(mine)), "a cat", pair_text="a dog")
    assert {token.part for token in kept.reading.source} == {0, 1}
    assert kept.check <= 1e-5


def test_what_the_model_itself_cannot_run_on_is_not_called_a_fault_of_ours(opened, monkeypatch):
    model = opened("gpt2")

    def fails(*_, **__):
        raise RuntimeError("index 8 is out of bounds")

    monkeypatch.setattr(model._model.transformer.h[0].mlp, "forward", fails)
    with pytest.raises(ModelFailed, match="index 8 is out of bounds"):
        trace(model, "a cat")
    monkeypatch.undo()
    assert trace(model, "a cat").check <= 1e-5


def test_layers_that_the_config_leaves_out_are_said(folder, root):
    mine = altered(folder, root, "llama", "fewer")
    path = mine / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 1}))
    check = catalog.open_model(str(mine)).info.self_check
    assert check
    (remark,) = check.remarks
    assert remark.message == UNUSED
    assert "layers.1." in str(remark.values["name"])


def test_every_layer_of_a_whole_checkpoint_is_used(opened):
    for family in FAMILIES:
        said = [remark.message for remark in opened(family).info.self_check.remarks]
        assert UNUSED not in said


def test_a_stream_whose_layers_are_not_those_of_the_attention_is_left_out(folder, root):
    mine = root / "albert"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder("bert"))
    torch.manual_seed(0)
    config = transformers.AlbertConfig(
        vocab_size=len(tokenizer), num_hidden_layers=3, inner_group_num=2, num_attention_heads=2,
        hidden_size=16, embedding_size=8, intermediate_size=16,
    )  # fmt: skip
    transformers.AlbertForMaskedLM(config).save_pretrained(mine)
    tokenizer.save_pretrained(mine)
    kept = trace(catalog.open_model(str(mine)), "a cat")
    assert len(kept.layers("encoder")) == 6
    assert not kept.intermediates
