"""The reward model, corrected by weighted residuals."""

import msgspec

from engagement.estimators.sample import Sample, Terms, mean


class DoublyRobust(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="doubly_robust"
):
    """The mean of Σ_k target_k·q̂_k + w·(r − q̂) (Dudík, Langford & Li 2011): unbiased whatever the model."""

    def terms(self, sample: Sample) -> Terms:
        """Its one mean."""
        return mean(sample.expected + sample.weight * sample.surprise)
