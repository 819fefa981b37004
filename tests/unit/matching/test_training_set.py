"""What the shipped weights are learned from."""

from __future__ import annotations

from bench.brazil import generate
from bench.train_weights import training_set


def test_contact_points_say_where_people_live_and_whom_to_call_but_not_who_they_are() -> None:
    features = training_set(80, 5)
    points = {(i["contact_point"]["kind"], i["contact_point"]["value"]) for i, _ in generate(80, 5)}
    assert len(points) * 0.7 < len(features) <= len(points)
    assert any(one.phones and one.own != "phone" for one in features)
    assert any(one.cities and one.births and one.names for one in features)
    assert training_set(80, 5) == features
