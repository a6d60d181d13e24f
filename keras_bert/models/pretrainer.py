"""BERT with its pretraining heads: masked words, and how two segments belong together."""

import keras
from keras import ops

from keras_bert.config import PAIR_LABELS
from keras_bert.errors import InputError
from keras_bert.keras_internals import add_metrics
from keras_bert.layers import fused
from keras_bert.layers.masked_lm_head import GatherPositions, MaskedLMHead
from keras_bert.models.network import TaskNetwork, head_dense


@keras.saving.register_keras_serializable(package="keras_bert")
class BertPretrainer(TaskNetwork):
    """An encoder with a masked-LM head and, if asked for, a head for pairs of segments.

    Inputs are those of the encoder and `masked_positions`, int32 of shape (batch, masked); for an
    encoder made with `packed=True` and a pair head also `pair_positions`, int32 of shape
    (batch, pairs), where each example's [CLS] stands. Outputs are a dict of float32 logits:
    `masked_lm`, of shape (batch, masked, vocab_size), and with a pair head `pair`, of shape
    (batch, pairs, 2), `pairs` being 1 unless packed.

    The losses are its own, so `compile` takes an optimizer only. `fit` takes (inputs, targets,
    weights), each a dict with the outputs' names: int32 targets and float32 weights of shapes
    (batch, masked) and (batch, pairs). The loss is the sum of weight times cross-entropy over
    both heads, so weights that sum to 1 a head give the usual mean; `pretraining.batches` makes
    them so for the whole batch of all replicas, which is why no result depends on their number.

    Args:
        encoder: a `BertEncoder`.
        pair: "nsp" next-sentence prediction, "sop" sentence order, or "none".
        tied: whether the masked-LM head's output matrix is the word-piece table, as it is in every
            released BERT.

    Example:
        encoder = BertEncoder.from_preset("bert_small_en_uncased", load_weights=False)
        model = BertPretrainer(encoder, pair="nsp")
        model.compile(adamw(1e-4))
        batches = PretrainingBatches("records", batch_size=32)
        model.fit(fit_stream(batches, 0, 10_000), steps_per_epoch=1_000, epochs=10)
    """

    def __init__(self, encoder, pair="nsp", tied=True, **kwargs):
        if pair not in PAIR_LABELS:
            raise InputError(f"pair must be one of {', '.join(PAIR_LABELS)}, not {pair!r}")
        config = encoder.bert_config
        dtype = encoder.pooler.dtype_policy

        # === Layers ===
        gather = GatherPositions(dtype=dtype, name="gather_masked")
        masked_lm_head = MaskedLMHead(
            encoder.embeddings,
            hidden_act=config.hidden_act,
            layer_norm_eps=config.layer_norm_eps,
            initializer_range=config.initializer_range,
            tied=tied,
            dtype=dtype,
            name="masked_lm",
        )
        pair_head = head_dense(encoder, 2, name="pair")

        # === Functional Model ===
        inputs = dict(encoder.input)
        inputs["masked_positions"] = keras.Input((None,), dtype="int32", name="masked_positions")
        encoded = encoder(encoder.input)
        masked = gather(encoded["sequence_output"], inputs["masked_positions"])
        outputs = {"masked_lm": masked_lm_head(masked)}
        if pair != "none" and encoder.packed:
            inputs["pair_positions"] = keras.Input((None,), dtype="int32", name="pair_positions")
            gather_first = GatherPositions(dtype=dtype, name="gather_first")
            first = gather_first(encoded["sequence_output"], inputs["pair_positions"])
            outputs["pair"] = pair_head(encoder.pooler(first))
        elif pair != "none":
            outputs["pair"] = pair_head(ops.expand_dims(encoded["pooled_output"], 1))
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)

        # === Metrics ===
        # Into Keras's own list: an attribute would be saved with the weights.
        add_metrics(self, [keras.metrics.Mean(name=name) for name in _metric_names(pair)])

        # === Config ===
        self.masked_lm_head = masked_lm_head
        self.pair_head = None if pair == "none" else pair_head
        self.unused_layers = (encoder.pooler,) if pair == "none" else ()
        self.set_config(encoder, pair=pair, tied=tied)

    def default_loss(self):
        return  # `compute_loss` has it

    def sums(self, targets, outputs, weights):
        """Returns the weighted sums that losses and metrics are made of.

        They add up over the parts of a batch, be it on replicas or one after the other.

        Args:
            targets, outputs, weights: dicts as the class describes them.

        Returns:
            A dict of float32 scalars, in the order of the metrics but for perplexity:
            masked_lm_loss, masked_lm_accuracy, and with a pair head pair_loss, pair_accuracy.
        """
        found = {}
        for name, logits in outputs.items():
            losses, hits = fused.cross_entropy_and_hits(logits, targets[name])
            found[f"{name}_loss"] = ops.sum(losses * weights[name])
            found[f"{name}_accuracy"] = ops.sum(hits * weights[name])
        return found

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        found = self.sums(y, y_pred, sample_weight)
        return sum(value for name, value in found.items() if name.endswith("_loss"))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.track(self.sums(y, y_pred, sample_weight))

    def track(self, sums):
        """Takes one step's `sums` into the running means and returns these, by name."""
        for metric in self.metrics:
            if metric.name in sums:
                metric.update_state(sums[metric.name])
        return self.get_metrics_result()

    def get_metrics_result(self):
        names = _metric_names(self.pair)
        found = {metric.name: metric.result() for metric in self.metrics if metric.name in names}
        losses = [value for name, value in found.items() if name.endswith("_loss")]
        # Of the mean loss: the mean of perplexities would be another number.
        perplexity = ops.exp(found["masked_lm_loss"])
        return {"loss": sum(losses), **found, "perplexity": perplexity}


def _metric_names(pair):
    heads = ("masked_lm",) if pair == "none" else ("masked_lm", "pair")
    return [f"{head}_{kind}" for head in heads for kind in ("loss", "accuracy")]
