"""The small Python client that apps install: typed, blocking or awaited, patient, and never in the way.

Everything it sends may be sent again: signals carry ids, a decision point is decided once, an answer
or a revision repeated changes nothing. So a request whose answer was lost, or that was refused
because too much was waiting, is simply repeated, after a pause that grows and is partly chance.
"""

from engagement.client.drivers import AsyncClient, Client
from engagement.client.operations import MOST, PATHS, VersionMade
from engagement.client.outbox import Flushed, Outbox, Refused, observed
from engagement.client.patience import pause
from engagement.client.problems import PROBLEMS

__all__ = [
    "MOST",
    "PATHS",
    "PROBLEMS",
    "AsyncClient",
    "Client",
    "Flushed",
    "Outbox",
    "Refused",
    "VersionMade",
    "observed",
    "pause",
]
