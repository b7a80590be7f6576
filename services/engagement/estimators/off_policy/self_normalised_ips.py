"""Inverse propensity scores, divided by the sum of the weights instead of their number."""

import msgspec

from engagement.estimators.sample import Sample, Term, Terms


class SelfNormalisedIps(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="self_normalised_ips"
):
    """Σw·r/Σw (Hájek 1971): never outside the range of rewards, and slightly biased in small samples."""

    def terms(self, sample: Sample) -> Terms:
        """Its one ratio."""
        return (Term(sample.weight * sample.reward, sample.weight),)
