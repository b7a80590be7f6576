"""When a belief is worth a refit of its hyper-parameters: the service and the simulator agree on it here."""

GROWTH = 1.1
MOST_NODES = 2_000
"""Beyond so many nodes the hyper-parameters are known well enough."""


def has_grown(rows: int, fitted_to: int) -> bool:
    """Whether a tenth more has been learned than at the last refit. rows, fitted_to : now, and then"""
    return rows > GROWTH * fitted_to
