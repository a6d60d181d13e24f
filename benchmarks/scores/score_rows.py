"""The rows of the table of expected scores: data, start and flags of each."""

import dataclasses

# The source of the rows' `published` scores: a model of the same size.
_MINILM = "MiniLM-L6 (unilm README)"


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: of the row and its files.
        task: of `--task`.
        train, dev: files below DATA, or "made:" and one of `score_files`; no dev: a tenth of train.
        flags: other flags of `finetune`; {data} is replaced by DATA.
        published: a score of the first metric in percent, and its source; or None.
        start: name of another row or of a preset to start from; "" for --init.
    """

    name: str
    task: str
    train: str
    dev: str
    flags: tuple
    published: tuple | None = None
    start: str = ""


@dataclasses.dataclass(frozen=True)
class Pretraining:
    """A line of a model from which other rows start, trained on text without labels.

    Attributes:
        name: of the row and its files.
        corpus: globs below DATA.
        prepare, flags: flags of `prepare` and of `pretrain`.
        start: name of another row to start from; "" for --init.
    """

    name: str
    corpus: tuple
    prepare: tuple
    flags: tuple
    start: str = ""


def _flags(epochs, rate, length, *more, batch=32, seeds="0,1,2"):
    return (
        f"--epochs={epochs}", f"--learning_rate={rate}", f"--length={length}",
        f"--batch_size={batch}", f"--seeds={seeds}", *more,
    )  # fmt: skip


# The sentence encoder was trained on the mean of its tokens, not on its [CLS] or its pooler.
_MEAN = "--pooling=mean"

# The row masked_lm is pretrained without dropout.
_DROPOUT = "--dropout=0.1"

# The vocabulary is uncased, and most names begin with a capital.
_CAPITALS = "--mark_capitals"

# There are no weights of a Chinese BERT here: those rows start from random ones.
_CHINESE = "--vocab={data}/vocab/bert-base-chinese-vocab.txt"

ROWS = (
    # MiniLM was trained for vectors of sentences; these rows train it for words in context again.
    # Without them, CoLA's score is 36.6, with one seed.
    Pretraining(
        "masked_lm_short", ("pretrain/en_wiki/enwiki-0[12]*.gz",),
        ("--length=128", "--pair=none", "--pack"),
        ("--steps=700", "--batch_size=32", "--learning_rate=3e-4", "--warmup=0.1", "--dropout=0",
         "--whole_word", "--seed=0"),
    ),
    Pretraining(
        "masked_lm", ("pretrain/en_wiki/*.gz", "pretrain/en_books/books-01*.gz"),
        ("--length=256", "--pair=none", "--pack", "--whole_word"),
        ("--steps=3200", "--batch_size=16", "--learning_rate=4e-4", "--warmup=0.05", "--dropout=0",
         "--whole_word", "--seed=1"), start="masked_lm_short",
    ),
    # Moves MiniLM's similarity of sentences to a network that reads both sentences at once.
    Row(
        "similar", "regression", "made:similar.jsonl", "",
        _flags(1, 2e-4, 96, _MEAN, _DROPOUT, "--eval_fraction=0.03", seeds="0"),
        start="masked_lm",
    ),
    Row(
        "sst2", "glue/sst2", "glue/SST-2/train.tsv.gz", "glue/SST-2/dev.tsv",
        _flags(3, 1e-4, 64, _MEAN, seeds="0"), (91.5, _MINILM),
    ),
    Row(
        "mrpc", "glue/mrpc", "glue/MRPC/train.tsv.gz", "glue/MRPC/dev.tsv",
        _flags(5, 1e-4, 128, _MEAN), (88.9, _MINILM), start="similar",
    ),
    Row(
        "stsb", "glue/stsb", "glue/STS-B/train.tsv.gz", "glue/STS-B/dev.tsv",
        _flags(3, 1e-4, 128, _MEAN), start="similar",
    ),
    Row(
        "cola", "glue/cola", "glue/CoLA/train.tsv.gz", "glue/CoLA/in_domain_dev.tsv",
        _flags(5, 1e-4, 64, _MEAN), (47.5, _MINILM), start="masked_lm",
    ),
    Row(
        "inference", "classification", "made:inference.jsonl", "",
        _flags(2, 1e-4, 96, _MEAN, seeds="0"),
    ),
    Row(
        "rte", "glue/rte", "glue/RTE/train.tsv.gz", "glue/RTE/dev.tsv",
        _flags(3, 1e-4, 128, _MEAN), (68.8, _MINILM), start="inference",
    ),
    Row(
        "wnli", "glue/wnli", "glue/WNLI/train.tsv", "glue/WNLI/dev.tsv",
        _flags(3, 5e-5, 128, _MEAN),
    ),
    Row(
        "chnsenticorp", "classification", "chnsenticorp/train.tsv.gz", "chnsenticorp/dev.tsv.gz",
        _flags(5, 5e-4, 128, _CHINESE, seeds="0"), start="bert_mini_en_uncased",
    ),
    Row(
        "afqmc", "classification", "afqmc/train.csv.gz", "afqmc/dev-first3000.json.gz",
        _flags(3, 5e-4, 64, _CHINESE, seeds="0"), start="bert_mini_en_uncased",
    ),
    Row(
        "ewt", "tagging", "ud_english_ewt/en_ewt-ud-train.conllu.gz",
        "ud_english_ewt/en_ewt-ud-dev.conllu.gz",
        _flags(3, 2e-4, 128, _CAPITALS, _DROPOUT, batch=16, seeds="0"), start="masked_lm",
    ),
    Row(
        "wnut17", "tagging", "wnut17/wnut17train.conll.gz", "wnut17/emerging.dev.conll",
        _flags(5, 2e-4, 128, _CAPITALS, batch=16), start="masked_lm",
    ),
    # Learns names from Wikipedia's titles, because the next row has few labels.
    Row(
        "titles", "tagging", "made:titles.conll", "",
        _flags(
            2, 2e-4, 128, _CAPITALS, _DROPOUT, "--scheme=bioes", "--eval_fraction=0.05", batch=16,
            seeds="0",
        ), start="ewt",
    ),
    Row(
        "wikigold", "tagging", "made:wikigold.train.conll", "made:wikigold.dev.conll",
        _flags(12, 2e-4, 256, _CAPITALS, _DROPOUT, "--scheme=bioes", batch=8), start="titles",
    ),
    Row(
        "resume", "tagging", "resume_ner/train.char.bmes.gz", "resume_ner/dev.char.bmes",
        _flags(10, 1e-3, 128, _CHINESE, batch=16),
        start="bert_mini_en_uncased",
    ),
    Row(
        "squad1", "squad1", "squad/train-v1.1-rebuilt.json.gz",
        "squad/dev-v1.1-33articles.json.gz", _flags(2, 1e-4, 384, batch=16, seeds="0"),
    ),
    Row(
        "squad2", "squad2", "made:squad2.train.json", "made:squad2.dev.json",
        _flags(2, 5e-5, 384, batch=16, seeds="0"), start="squad1",
    ),
)  # fmt: skip
