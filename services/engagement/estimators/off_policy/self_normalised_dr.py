"""Doubly robust, with the weights of the residuals divided by their sum."""

import msgspec
import numpy as np

from engagement.estimators.sample import Sample, Term, Terms


class SelfNormalisedDr(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="self_normalised_dr"
):
    """The mean of Σ_k target_k·q̂_k, plus Σw·(r − q̂)/Σw (Thomas & Brunskill 2016, weighted DR)."""

    def terms(self, sample: Sample) -> Terms:
        """A mean and a ratio."""
        expected = Term(sample.expected, np.ones(len(sample.reward)))
        return (expected, Term(sample.weight * sample.surprise, sample.weight))
