"""A model with a smaller vocabulary: the rows of the tokens that stay, all else bit for bit."""

import dataclasses

from keras_bert.bert import Bert, build_model
from keras_bert.text.pruning import prune

# The weights that have a row for each token.
_OF_TOKENS = (
    "bert/embeddings/word_embeddings",
    "cls/predictions/output_bias",
    "cls/predictions/output_table",
)


def prune_vocabulary(bert, size, texts, corpus=""):
    """Returns a copy of a model that has only the tokens that texts use most.

    A text whose pieces all stay has the same outputs, bit for bit. Others are cut into shorter
    pieces, which the model has seen less often there: fine-tune it.

    Args:
        bert: `Bert` of any task, or of none.
        size: int, the tokens that stay; see `text.pruning.prune`.
        texts: iterable of str, read once.
        corpus: str, the name of the texts, for the config and the card.

    Returns:
        A tuple: a `Bert`; a dict: `rows_before` and `rows` of the word table, `bytes_before` and
        `bytes` of all weights as float32, `table_bytes_before` and `table_bytes` of the table,
        `words` of the texts and shares of them: `unchanged`, cut as before, `unknown_before` and
        `unknown`, which are [UNK]; `pieces_before` and `pieces`, the mean of a word.

    Raises:
        InputError: `size` is too small, or not smaller than the vocabulary.
    """
    import keras

    from keras_bert.checkpoints import names

    pruned = prune(bert.tokenizer, size, texts)
    # Its vocabulary may have been pruned before.
    described = {"from_size": bert.tokenizer.vocabulary_size, **bert.config.pruned}
    config = dataclasses.replace(
        bert.config,
        encoder=dataclasses.replace(bert.config.encoder, vocab_size=len(pruned.ids)),
        tokenizer=pruned.tokenizer.get_config(),
        pruned={**described, "corpus": corpus},
    )
    old = bert.plain_model()
    new = build_model(config, dtype="float32")
    of_new = names.variables_of(new)
    for name, variable in names.variables_of(old).items():
        value = keras.ops.convert_to_numpy(variable.value)
        of_new[name].assign(value[pruned.ids] if name in _OF_TOKENS else value)
    smaller = Bert.from_config(config, new, pruned.tokenizer)
    # It is about channels, which are the same.
    smaller.notes, smaller.rescaling = list(bert.notes), bert.rescaling
    width = 4 * bert.config.encoder.hidden_size
    fields = [field.name for field in dataclasses.fields(pruned)]
    measured = {name: getattr(pruned, name) for name in fields if name not in ("tokenizer", "ids")}
    return smaller, {
        "rows_before": bert.config.encoder.vocab_size,
        "rows": len(pruned.ids),
        "bytes_before": 4 * old.count_params(),
        "bytes": 4 * new.count_params(),
        "table_bytes_before": width * bert.config.encoder.vocab_size,
        "table_bytes": width * len(pruned.ids),
        **measured,
    }


def report_lines(report):
    """Returns the dict of `prune_vocabulary` as lines to print."""
    sizes = ", ".join(
        f"{report[f'{name}_before'] / 1e6:.1f} -> {report[name] / 1e6:.1f} MB of {what}"
        for name, what in (("table_bytes", "the word table"), ("bytes", "all weights"))
    )
    return [
        f"vocabulary: {report['rows_before']:,} -> {report['rows']:,} tokens, {sizes}",
        f"of {report['words']:,} words of the corpus {report['unchanged']:.2%} are cut as before; "
        f"{report['unknown_before']:.3%} -> {report['unknown']:.3%} are [UNK]; "
        f"{report['pieces_before']:.3f} -> {report['pieces']:.3f} pieces a word",
    ]
