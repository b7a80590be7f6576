"""Inverse propensity scores."""

import msgspec

from engagement.estimators.sample import Sample, Terms, mean


class Ips(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ips"):
    """The mean of w·r (Horvitz & Thompson 1952): unbiased, and wild where weights are large."""

    def terms(self, sample: Sample) -> Terms:
        """Its one mean."""
        return mean(sample.weight * sample.reward)
