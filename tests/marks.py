"""Marks of parameters: of several kinds that take long, one is in the quick tests."""

import pytest


def slow_but(values, *quick):
    """Returns the parameters of a test, all slow but the named ones."""
    assert set(quick) <= set(values)
    return [v if v in quick else pytest.param(v, marks=pytest.mark.slow) for v in values]
