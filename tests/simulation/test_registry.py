import msgspec
import pytest

from engagement.simulation.peer_group import DEFAULT, FRAGILE, LASTING, PeerGroup
from engagement.simulation.registry import AnyWorld


def test_the_bare_name_of_the_world_means_its_default_profile() -> None:
    assert msgspec.json.decode(b'{"type": "peer_group"}', type=AnyWorld) == DEFAULT


@pytest.mark.parametrize("profile", [LASTING, DEFAULT, FRAGILE])
def test_a_profile_comes_back_from_its_json(profile: PeerGroup) -> None:
    assert msgspec.json.decode(msgspec.json.encode(profile), type=AnyWorld) == profile


@pytest.mark.parametrize(
    "body",
    [b'{"type": "village"}', b'{"type": "peer_group", "lucky": 1}', b'{"type": "peer_group", "drop": 1.5}'],
)
def test_an_unknown_world_name_or_impossible_rate_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=AnyWorld)
