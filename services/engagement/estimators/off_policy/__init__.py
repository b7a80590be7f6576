"""The estimators of what another strategy would have earned. To add one: write its file and name it here."""

from engagement.estimators.off_policy.clipped_ips import ClippedIps
from engagement.estimators.off_policy.direct_method import DirectMethod
from engagement.estimators.off_policy.doubly_robust import DoublyRobust
from engagement.estimators.off_policy.ips import Ips
from engagement.estimators.off_policy.self_normalised_dr import SelfNormalisedDr
from engagement.estimators.off_policy.self_normalised_ips import SelfNormalisedIps
from engagement.estimators.off_policy.shrinkage_dr import ShrinkageDr
from engagement.estimators.off_policy.switch_dr import SwitchDr

AnyOffPolicy = (
    SelfNormalisedDr
    | DoublyRobust
    | ShrinkageDr
    | SwitchDr
    | DirectMethod
    | SelfNormalisedIps
    | ClippedIps
    | Ips
)
