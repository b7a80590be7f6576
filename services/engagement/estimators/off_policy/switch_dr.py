"""Doubly robust where weights are small, the model alone where they are large."""

from typing import Annotated

import msgspec

from engagement.estimators import tuning
from engagement.estimators.sample import Sample, Terms, mean


class SwitchDr(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="switch_dr"):
    """The mean of Σ_k target_k·q̂_k + w·1[w ≤ τ]·(r − q̂) (Wang, Agarwal & Dudík 2017).

    most : τ; chosen from the data when absent
    """

    most: Annotated[float, msgspec.Meta(gt=0)] | None = None

    def terms(self, sample: Sample) -> Terms:
        """Its one mean."""
        weight, surprise = sample.weight, sample.surprise
        most = self.most
        if most is None:
            most = tuning.chosen(
                sample,
                tuning.thresholds(weight),
                lambda cut: SwitchDr(cut).terms(sample),
                lambda cut: weight * (weight > cut) * surprise,
            )
        return mean(sample.expected + weight * (weight <= most) * surprise)
