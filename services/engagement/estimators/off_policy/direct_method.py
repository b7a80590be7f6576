"""The reward model's own word."""

import msgspec

from engagement.estimators.sample import Sample, Terms, mean


class DirectMethod(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="direct_method"
):
    """The mean of Σ_k target_k·q̂_k: steady, and as wrong as the model.

    Its error says how much the means differ from group to group, not how wrong the model is.
    """

    def terms(self, sample: Sample) -> Terms:
        """Its one mean."""
        return mean(sample.expected)
