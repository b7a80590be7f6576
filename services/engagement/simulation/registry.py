"""The worlds a study can name: one tagged union that decodes JSON and TOML and lists the choices."""

from typing import TypeAlias

from engagement.simulation.peer_group import PeerGroup

AnyWorld: TypeAlias = PeerGroup
