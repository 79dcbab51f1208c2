"""What a good distance keeps to."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.distance.protocol import UNREACHABLE, Distance, labels_of_places, least_metres
from aidmatch.pipeline import solve
from aidmatch.place import Place, Places
from aidmatch.policy import Policy
from aidmatch.problem.giving import GivingProblem
from aidmatch.records.case import Gate
from aidmatch.records.giving import Donation, Need
from aidmatch.testing.contract import Contract, check
from aidmatch.verification.check import verify

__all__ = ["DistanceContract"]


class DistanceContract(Contract):
    """Checks for a distance. Say `distance`, and `places` where it does not measure just any."""

    CHECKS: ClassVar[Mapping[int, int]] = {1: 11}

    def distance(self) -> Distance:
        """Make the distance anew."""
        raise NotImplementedError("say how the distance is made: def distance(self): return …")

    def places(self) -> Sequence[Place]:
        """Places to measure between, ten at least: here points all over, near, equal, opposite, and at the poles."""
        draw = np.random.default_rng(20170601)
        points = [(90.0, 0.0), (-90.0, 10.0), (36.45, 115.98), (-36.45, -64.02), (36.45, 115.98), (36.450001, 115.98)]
        points += zip(draw.uniform(35.8, 37.0, 25).tolist(), draw.uniform(115.3, 116.5, 25).tolist(), strict=True)
        points += zip(draw.uniform(-89, 89, 8).tolist(), draw.uniform(-180, 180, 8).tolist(), strict=True)
        return [Place(lat=lat, lon=lon, code=f"3715{row:08d}") for row, (lat, lon) in enumerate(points)]

    def _pairs(self) -> tuple[Places, Places]:
        """Every place with every place."""
        places = list(self.places())
        assert len(places) >= 10, "places() should give ten places at least"
        return Places([one for one in places for _ in places]), Places([one for _ in places for one in places])

    def _measured(self, distance: Distance | None = None) -> Ints:
        return (self.distance() if distance is None else distance).metres(*self._pairs())

    @check()
    def test_it_has_a_name(self) -> None:
        name = self.distance().name
        assert isinstance(name, str), "name is text"
        assert name.strip(), "name is text"

    @check()
    def test_metres_are_int64_one_a_row(self) -> None:
        origins, _ = self._pairs()
        metres = self._measured()
        assert isinstance(metres, np.ndarray), f"a {type(metres).__name__} is no array"
        assert metres.dtype == np.int64, f"{metres.dtype} is not int64"
        assert metres.shape == (len(origins),), f"shape {metres.shape}, not {(len(origins),)}"

    @check()
    def test_metres_are_neither_negative_nor_beyond_counting(self) -> None:
        metres = np.asarray(self._measured())
        assert (metres >= 0).all(), "a distance is below zero"
        assert ((metres < 2**62) | (metres == UNREACHABLE)).all(), "a distance is 2^62 or more, and not UNREACHABLE"

    @check()
    def test_no_rows_are_no_metres(self) -> None:
        assert len(self.distance().metres(Places([]), Places([]))) == 0, "no places should give no metres"

    @check()
    def test_a_pair_is_as_far_whatever_stands_beside_it(self) -> None:
        origins, destinations = self._pairs()
        metres, distance = self._measured(), self.distance()
        order = np.random.default_rng(1).permutation(len(origins))
        assert (distance.metres(origins[order], destinations[order]) == metres[order]).all(), (
            "the order of rows matters"
        )
        for row in order[:25]:
            some = np.array([row])
            assert distance.metres(origins[some], destinations[some])[0] == metres[row], "alone, a pair is not as far"

    @check()
    def test_it_measures_the_same_again(self) -> None:
        distance = self.distance()
        first = np.array(self._measured(distance))
        assert (self._measured(distance) == first).all(), "the second time it measures otherwise"
        assert (self._measured() == first).all(), "made anew it measures otherwise"

    @check()
    def test_what_it_gave_stays_as_it_was(self) -> None:
        distance = self.distance()
        given = self._measured(distance)
        before = given.copy()
        self._measured(distance)
        distance.metres(*(Places(list(self.places())[::-1]) for _ in range(2)))
        assert (given == before).all(), "later calls change metres that were given before"

    @check()
    def test_it_can_be_sent_to_a_worker(self) -> None:
        distance = self.distance()
        sent = pickle.loads(pickle.dumps(distance))  # noqa: S301  # what was pickled on this very line
        assert (self._measured(sent) == self._measured(distance)).all(), "pickled, it measures otherwise"

    @check()
    def test_the_least_metres_that_it_declares_hold(self) -> None:
        distance = self.distance()
        least = least_metres(distance)
        if least:
            straight = GreatCircle().metres(*self._pairs())
            short = self._measured(distance) < least * (straight - 1) - 2
            assert not short.any(), f"{int(short.sum())} pairs are nearer than least_metres {least} allows"

    @check()
    def test_places_with_one_label_are_one_to_it(self) -> None:
        distance, places = self.distance(), list(self.places())
        labels = labels_of_places(distance, Places(places))
        if labels is None:
            return
        table = np.asarray(self._measured(distance)).reshape(len(places), len(places))
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            assert (table[rows] == table[rows[0]]).all(), "origins with one label are not as far"
            assert (table[:, rows] == table[:, rows[:1]]).all(), "destinations with one label are not as far"

    @check()
    def test_a_decision_by_it_is_verified(self) -> None:
        """Solved over the places, with the distance itself, and checked by code that did not solve it."""
        places, day = list(self.places()), date(2017, 6, 1)
        gate = Gate(approval="approved")
        needs = [
            Need(
                id=f"N{row}", household_id=f"H{row}", item="quilt", quantity=2, unit="piece", category="ABCD"[row % 4],
                place=place, gate=gate, registered_on=day,
            )
            for row, place in enumerate(places[::2])
        ]  # fmt: skip
        lots = [
            Donation(id=f"D{row}", donor_id=f"G{row}", item="quilt", quantity=1, unit="piece", place=place)
            for row, place in enumerate(places[1::2])
        ]
        problem, policy = GivingProblem(needs, lots, as_of=day), Policy.giving()
        verify(problem, solve(problem, policy=policy, distance=self.distance()), distance=self.distance())
