"""Inverse propensity scores whose weights are cut off."""

from typing import Annotated

import msgspec
import numpy as np

from engagement.estimators import tuning
from engagement.estimators.sample import Sample, Terms, mean


class ClippedIps(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="clipped_ips"
):
    """The mean of min(w, M)·r (Ionides 2008): less wild, too low by what is cut off where r ≥ 0.

    most : M; chosen from the data when absent
    """

    most: Annotated[float, msgspec.Meta(gt=0)] | None = None

    def terms(self, sample: Sample) -> Terms:
        """Its one mean."""
        weight = sample.weight
        most = self.most
        if most is None:
            most = tuning.chosen(
                sample,
                tuning.thresholds(weight),
                lambda cut: ClippedIps(cut).terms(sample),
                lambda cut: np.maximum(weight - cut, 0) * sample.reward,
            )
        return mean(np.minimum(weight, most) * sample.reward)
