"""Doubly robust with weights drawn towards 0, the large ones most."""

from typing import Annotated

import msgspec
import numpy as np

from engagement.estimators import tuning
from engagement.estimators.sample import Sample, Terms, mean
from engagement.records import Floats

UNSHRUNK = np.inf


class ShrinkageDr(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="shrinkage_dr"
):
    """The mean of Σ_k target_k·q̂_k + ŵ·(r − q̂) with ŵ = λw/(w² + λ) (optimistic shrinkage, Su 2020).

    shrinkage : λ; from 0, the model alone, to infinity, plainly doubly robust. Chosen from the data when
        absent
    """

    shrinkage: Annotated[float, msgspec.Meta(ge=0)] | None = None

    def terms(self, sample: Sample) -> Terms:
        """Its one mean."""
        weight, surprise = sample.weight, sample.surprise
        shrinkage = self.shrinkage
        if shrinkage is None:
            shrinkage = tuning.chosen(
                sample,
                np.append(tuning.thresholds(weight) ** 2, UNSHRUNK),
                lambda candidate: ShrinkageDr(candidate).terms(sample),
                lambda candidate: (weight - shrunk(weight, candidate)) * surprise,
            )
        return mean(sample.expected + shrunk(weight, shrinkage) * surprise)


def shrunk(weight: Floats, shrinkage: float) -> Floats:
    """λw/(w² + λ), (n,)."""
    if shrinkage == UNSHRUNK:
        return weight
    return np.divide(shrinkage * weight, weight**2 + shrinkage, out=np.zeros_like(weight), where=weight > 0)
