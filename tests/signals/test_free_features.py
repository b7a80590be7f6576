"""Features as a caller sends them, read as named numbers."""

from math import log

import numpy as np
import pytest

from engagement.errors import Invalid
from engagement.signals.free_features import named

KEY = b"program"


def read(*items, key=KEY, space="moment", most=20, extra=()):
    return named(items, key, space=space, most=most, extra=extra)


def names(*items, **more):
    return set(read(*items, **more).names.tolist())


def test_every_kind_of_value_is_read_as_documented():
    found = read({"a": "x", "b": True, "c": 0.5, "d": None, "e": {"f": "y"}, "g": [1, "z"]})
    assert found.values.tolist() == [1, 1, 0.5, 1, 1, 1]


def test_a_number_grows_as_itself_up_to_one_and_then_as_its_logarithm():
    found = read({"a": 1, "b": 100, "c": -100, "d": -0.25, "e": 0})
    assert found.values.tolist() == pytest.approx([1, 1 + log(100), -1 - log(100), -0.25, 0])


def test_texts_are_features_of_their_own_and_a_number_is_one_feature_whatever_it_is():
    assert names({"time": "morning"}) != names({"time": "evening"})
    assert names({"time": 1}) == names({"time": 2})
    assert names({"time": "1"}) != names({"time": 1})
    assert names({"sure": True}) != names({"sure": False})


def test_the_order_of_fields_and_of_objects_changes_nothing():
    assert names({"a": "x", "b": "y"}) == names({"b": "y"}, {"a": "x"})
    assert read({"a": 1, "b": 2}).names.tolist() == read({"b": 2, "a": 1}).names.tolist()


def test_what_is_said_of_different_things_and_under_another_key_has_other_names():
    plain = names({"a": "x"})
    assert plain.isdisjoint(names({"a": "x"}, space="action"))
    assert plain.isdisjoint(names({"a": "x"}, key=b"another"))
    assert plain.isdisjoint(names(extra=("a=x",)))


def test_nothing_said_is_no_feature():
    assert read().names.shape == read().values.shape == (0,)
    assert read().names.dtype == np.uint64


@pytest.mark.parametrize(
    "item", [{f"f{n}": n for n in range(21)}, {"a": [[[[[[[[[[1]]]]]]]]]]}, {"a": 1e999}, {"a": 10**400}]
)
def test_too_many_too_deep_and_not_finite_are_refused(item):
    with pytest.raises(Invalid):
        read(item)
