"""Makes the golden files of the heads of tasks with transformers, in float64.

    python tests/data/make_heads_golden.py

needs transformers 5 and torch. It writes, beside this file:

    hf_tiny_bert_tagger/             a random BertForTokenClassification
    hf_tiny_bert_answerer/           a random BertForQuestionAnswering
    hf_tiny_bert_multiple_choice/    a random BertForMultipleChoice
    hf_tiny_bert_regressor/          a random BertForSequenceClassification with one output
    heads_golden.npz                 inputs with ragged padding, and each one's logits

Weights are as wide as in make_encoder_golden.py, for the same reason.
"""

import os
import shutil

import numpy as np
import torch
import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
CLASSES = {
    "tagger": transformers.BertForTokenClassification,
    "answerer": transformers.BertForQuestionAnswering,
    "multiple_choice": transformers.BertForMultipleChoice,
    "regressor": transformers.BertForSequenceClassification,
}


def make(name, golden, inputs):
    """Writes one folder, and puts its logits into `golden`."""
    labels = {"tagger": TAGS, "regressor": ["LABEL_0"]}.get(name)
    config = transformers.BertConfig(
        vocab_size=60,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=24,
        max_position_embeddings=32,
        type_vocab_size=2,
        hidden_act="gelu",
        attn_implementation="eager",
    )
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: i for i, label in enumerate(labels)}
    model = CLASSES[name](config).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.normal_(1.0 if key.endswith("LayerNorm.weight") else 0.0, 0.3)
    folder = os.path.join(HERE, f"hf_tiny_bert_{name}")
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz.,?"]
    pieces += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{piece}\n" for piece in pieces)
    if name == "multiple_choice":
        # Questions of three choices each.
        inputs = {key: value.reshape(-1, 3, value.shape[-1]) for key, value in inputs.items()}
    with torch.no_grad():
        output = model.double()(**inputs)
    for key in ("logits", "start_logits", "end_logits"):
        if key in output:
            golden[f"{name}_{key}"] = output[key].numpy().astype("float32")


def main():
    """Writes the folders and `heads_golden.npz`."""
    torch.manual_seed(22)
    generator = np.random.default_rng(22)
    lengths = np.array((32, 9, 1, 13, 24, 17))
    shape = (len(lengths), lengths.max())
    token_ids = generator.integers(0, 60, shape)
    segment_ids = generator.integers(0, 2, shape)
    padding_mask = (np.arange(lengths.max()) < lengths[:, None]).astype("int64")
    golden = {
        "token_ids": token_ids.astype("int32"),
        "segment_ids": segment_ids.astype("int32"),
        "padding_mask": padding_mask.astype("int32"),
    }
    inputs = {
        "input_ids": torch.tensor(token_ids),
        "token_type_ids": torch.tensor(segment_ids),
        "attention_mask": torch.tensor(padding_mask),
    }
    for name in CLASSES:
        make(name, golden, inputs)
    np.savez_compressed(os.path.join(HERE, "heads_golden.npz"), **golden)


if __name__ == "__main__":
    main()
