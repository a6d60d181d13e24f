"""The verbs of the program, each with the line that its help begins with."""

VERBS = {
    "vocab": "make a WordPiece vocabulary from texts",
    "prepare": "turn a corpus into pretraining records",
    "pretrain": "train a BERT on records, from random weights or a checkpoint",
    "fill-mask": "predict the words at each [MASK]",
    "finetune": "train a model for a task from labelled data",
    "evaluate": "score a model, in any format, on labelled data",
    "predict": "answer for texts, with a model in any format",
    "embed": "write vectors of texts or tokens, from any layers",
    "similarity": "compare a word in several sentences, or sentences, as a heat map",
    "attention": "show what each token of a text attends to, by layer and head",
    "convert": "turn a checkpoint into a model folder, and back",
    "export": "write a model as TFLite, SavedModel or ONNX",
    "verify": "prove that an exported file is as good as its model",
    "benchmark": "measure latency and size",
    "quickstart": "run all steps on a small sample from the package",
}
