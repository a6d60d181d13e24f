"""Makes the golden files of the pretraining heads with transformers, in float64.

    python tests/data/make_pretraining_golden.py

needs transformers 5 and torch. It writes, beside this file:

    hf_tiny_bert_pretraining/   a random BertForPreTraining, with vocab.txt
    pretraining_golden.npz      inputs with ragged padding and masked positions, both heads' logits,
                                the loss, and its gradient at four weights

Weights are as wide as in make_encoder_golden.py, for the same reason.
"""

import os
import shutil

import numpy as np
import torch
import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
IGNORED = -100  # transformers' label of a position that is not predicted


def main():
    """Writes the folder and `pretraining_golden.npz`."""
    torch.manual_seed(21)
    config = transformers.BertConfig(
        vocab_size=100,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=24,
        type_vocab_size=2,
        hidden_act="gelu",
        attn_implementation="eager",
    )
    model = transformers.BertForPreTraining(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.3)
    folder = os.path.join(HERE, "hf_tiny_bert_pretraining")
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz.,!?é"]
    pieces += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    pieces += [f"w{i}" for i in range(100 - len(pieces))]
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{piece}\n" for piece in pieces)

    generator = np.random.default_rng(21)
    lengths = np.array((24, 9, 13, 17))
    shape = (len(lengths), lengths.max())
    token_ids = generator.integers(5, 100, shape)
    segment_ids = generator.integers(0, 2, shape)
    padding_mask = (np.arange(lengths.max()) < lengths[:, None]).astype("int64")
    masked_positions = np.stack([np.sort(generator.permutation(n)[:4]) for n in lengths])
    masked_token_ids = generator.integers(0, 100, masked_positions.shape)
    masked_weights = np.ones(masked_positions.shape, "float32")
    masked_weights[1, 2:] = 0  # a row with two masked tokens only
    pair_labels = np.array([0, 1, 1, 0])
    labels = np.full(shape, IGNORED)
    rows, columns = np.nonzero(masked_weights)
    labels[rows, masked_positions[rows, columns]] = masked_token_ids[rows, columns]

    model = model.double()
    output = model(
        input_ids=torch.tensor(token_ids),
        token_type_ids=torch.tensor(segment_ids),
        attention_mask=torch.tensor(padding_mask),
        labels=torch.tensor(labels),
        next_sentence_label=torch.tensor(pair_labels),
    )
    output.loss.backward()
    gathered = np.take_along_axis(
        output.prediction_logits.detach().numpy(), masked_positions[:, :, None], axis=1
    )
    bert, head = model.bert, model.cls
    np.savez_compressed(
        os.path.join(HERE, "pretraining_golden.npz"),
        token_ids=token_ids.astype("int32"),
        segment_ids=segment_ids.astype("int32"),
        padding_mask=padding_mask.astype("int32"),
        masked_positions=masked_positions.astype("int32"),
        masked_token_ids=masked_token_ids.astype("int32"),
        masked_weights=masked_weights,
        pair_labels=pair_labels.astype("int32"),
        masked_lm=gathered.astype("float32"),
        pair=output.seq_relationship_logits.detach().numpy().astype("float32"),
        loss=output.loss.item(),
        gradient_word_embeddings=bert.embeddings.word_embeddings.weight.grad.numpy(),
        gradient_pooler=bert.pooler.dense.weight.grad.numpy().T,
        gradient_transform=head.predictions.transform.dense.weight.grad.numpy().T,
        gradient_query=bert.encoder.layer[0].attention.self.query.weight.grad.numpy().T,
    )


if __name__ == "__main__":
    main()
