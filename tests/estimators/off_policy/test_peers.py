"""Every estimator beside the Open Bandit Pipeline, whose numbers these are.

`obp` 0.5.5 (Saito et al. 2021, arXiv 2008.07146), `estimate_policy_value` of the classes named, on the log
`twelve`. To have them printed again: `benchmarks/off_policy_peers.py`, which says how `obp` is installed.
"""

from typing import get_args

import pytest

from engagement.estimators.off_policy import (
    AnyOffPolicy,
    ClippedIps,
    DirectMethod,
    DoublyRobust,
    Ips,
    SelfNormalisedDr,
    SelfNormalisedIps,
    ShrinkageDr,
    SwitchDr,
)
from engagement.estimators.sample import checked
from support.samples import twelve

PUBLISHED = {
    Ips(): 1.013888888888889,  # InverseProbabilityWeighting()
    SelfNormalisedIps(): 0.869047619047619,  # SelfNormalizedInverseProbabilityWeighting()
    ClippedIps(1.5): 0.541666666666667,  # InverseProbabilityWeighting(lambda_=1.5)
    DirectMethod(): 0.389583333333333,  # DirectMethod()
    DoublyRobust(): 1.039583333333333,  # DoublyRobust()
    SelfNormalisedDr(): 0.946726190476190,  # SelfNormalizedDoublyRobust()
    SwitchDr(1.5): 0.539583333333333,  # SwitchDoublyRobust(lambda_=1.5)
    ShrinkageDr(2.0): 0.546936064755384,  # DoublyRobustWithShrinkage(lambda_=2.0)
}


@pytest.mark.parametrize("estimator", PUBLISHED, ids=lambda one: type(one).__name__)
def test_it_gives_the_number_of_the_open_bandit_pipeline(estimator):
    found = sum(term.value.sum() / term.weight.sum() for term in estimator.terms(checked(twelve())))
    assert found == pytest.approx(PUBLISHED[estimator], abs=1e-14)


def test_no_estimator_is_left_out():
    assert {type(one) for one in PUBLISHED} == set(get_args(AnyOffPolicy))


def test_no_two_of_them_agree_on_this_log():
    assert len({round(number, 6) for number in PUBLISHED.values()}) == len(PUBLISHED)
