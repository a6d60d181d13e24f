"""Whether probabilities mean what they say: of answers at 80 %, four in five are right."""

import numpy as np

# Guo et al. 2017, "On Calibration of Modern Neural Networks", section 5.
BINS = 15


def reliability(confidences, right, bins=BINS):
    """Sorts answers by their probability into bins of equal width.

    Bin m of M holds the answers whose probability is in ((m - 1) / M, m / M]; a probability of 0
    is in the first.

    Args:
        confidences: sequence of count floats, 0 to 1, the probability of each answer.
        right: sequence of count bools, whether it is right.
        bins: int, M.

    Returns:
        A dict of arrays of shape (bins,): `counts`; `confidence`, the mean probability of a bin,
        and `accuracy`, the share of right answers in it, both nan in an empty bin.

    Source: Guo et al. 2017, section 2.
    """
    confidences, right = np.asarray(confidences, "float64"), np.asarray(right, "float64")
    numbers = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(numbers, minlength=bins)
    with np.errstate(invalid="ignore"):
        return {
            "counts": counts,
            "confidence": np.bincount(numbers, confidences, bins) / counts,
            "accuracy": np.bincount(numbers, right, bins) / counts,
        }


def expected_calibration_error(confidences, right, bins=BINS):
    """Returns the mean difference of probability and accuracy, weighted by the bins' sizes.

    ECE = sum over bins B of |B| / n * |accuracy(B) - confidence(B)|

    Args:
        see `reliability`.

    Returns:
        float, 0 to 1; 0 without answers.

    Source: Guo et al. 2017, equation 3.
    """
    table = reliability(confidences, right, bins)
    total = table["counts"].sum()
    gaps = np.abs(table["accuracy"] - table["confidence"])
    return float(np.nansum(table["counts"] * gaps) / total) if total else 0.0
