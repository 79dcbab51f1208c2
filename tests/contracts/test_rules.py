"""The built-in rules keep to the suite that third parties run."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from aidmatch.place import Place
from aidmatch.records.care import Caregiver, Client
from aidmatch.records.case import Gate
from aidmatch.records.giving import Donation, Need
from aidmatch.rules.protocol import RULES, Rule
from aidmatch.testing import RuleContract

DAY = date(2017, 6, 1)
CODES = ("371502001001", "371502002001", "371523001001", "3715")


def named(name: str) -> Rule:
    rule: Rule = RULES.make(name)
    return rule


def need(number: int, **fields: Any) -> Need:
    usual = {"item": "quilt", "quantity": 1, "unit": "piece", "registered_on": DAY, "household_id": f"H{number % 3}"}
    place = Place(code=CODES[number % len(CODES)], lat=36.0, lon=115.0)
    gate = Gate(approval="approved")
    return Need(id=f"N{number}", category="ABCD"[number % 4], place=place, gate=gate, **{**usual, **fields})


def lot(number: int, **fields: Any) -> Donation:
    usual = {"item": "quilt", "quantity": 1, "unit": "piece", "donor_id": "G"}
    return Donation(id=f"D{number}", place=Place(lat=36.0, lon=115.0), **{**usual, **fields})


def client(number: int, **fields: Any) -> Client:
    usual = {"household_id": f"H{number}", "severity": "mild", "gender": "F", "waiting_since": DAY}
    place = Place(lat=36.0, lon=115.0)
    gate = Gate(approval="approved")
    return Client(id=f"C{number}", category="A", place=place, gate=gate, **{**usual, **fields})


def caregiver(number: int, **fields: Any) -> Caregiver:
    usual = {"household_id": f"K{number}", "gender": "FM"[number % 2], "available_from": DAY}
    return Caregiver(id=f"G{number}", place=Place(lat=36.0, lon=115.0), **{**usual, **fields})


class OfGiving(RuleContract):
    def demands(self) -> Sequence[Any]:
        return [need(number) for number in range(12)]


class TestOnlyCategories(OfGiving):
    def rule(self) -> Rule:
        return named("only-categories")

    def supplies(self) -> Sequence[Any]:
        return [lot(n, only_categories=kept) for n, kept in enumerate([(), ("A",), ("A", "B"), ("D",), ("B", "A")])]


class TestOnlyAreas(OfGiving):
    def rule(self) -> Rule:
        return named("only-areas")

    def supplies(self) -> Sequence[Any]:
        kept = [(), ("371502",), ("371502001", "371523"), ("3715",), ("37150200",)]
        return [lot(number, only_areas=areas) for number, areas in enumerate(kept)]


class TestOnlyProject(OfGiving):
    def rule(self) -> Rule:
        return named("only-project")

    def demands(self) -> Sequence[Any]:
        return [need(number, project=project) for number, project in enumerate([None, "winter", "school", "winter"])]

    def supplies(self) -> Sequence[Any]:
        return [lot(number, only_project=project) for number, project in enumerate([None, "winter", "homes"])]


class TestOwnProduct(OfGiving):
    def rule(self) -> Rule:
        return named("own-product")

    def supplies(self) -> Sequence[Any]:
        return [lot(number, producer_household_id=maker) for number, maker in enumerate([None, "H0", "H1", "H9"])]


class TestServices(RuleContract):
    def rule(self) -> Rule:
        return named("services")

    def demands(self) -> Sequence[Any]:
        return [client(n, services=asked) for n, asked in enumerate([(), ("cooking",), ("cooking", "talking")])]

    def supplies(self) -> Sequence[Any]:
        return [caregiver(n, services=given) for n, given in enumerate([(), ("talking", "cooking"), ("cooking",)])]


class TestLanguages(RuleContract):
    def rule(self) -> Rule:
        return named("languages")

    def demands(self) -> Sequence[Any]:
        return [client(n, languages=asked) for n, asked in enumerate([(), ("putonghua",), ("hui", "putonghua")])]

    def supplies(self) -> Sequence[Any]:
        return [caregiver(n, languages=known) for n, known in enumerate([(), ("putonghua",), ("yue",)])]


class TestCaregiverGender(RuleContract):
    def rule(self) -> Rule:
        return named("caregiver-gender")

    def demands(self) -> Sequence[Any]:
        return [client(number, caregiver_gender=asked) for number, asked in enumerate([None, "F", "M"])]

    def supplies(self) -> Sequence[Any]:
        return [caregiver(number) for number in range(4)]


class TestWindows(RuleContract):
    def rule(self) -> Rule:
        return named("windows")

    def demands(self) -> Sequence[Any]:
        asked: list[tuple[tuple[int, int, int], ...]] = [(), ((1, 480, 600),), ((1, 480, 500), (3, 0, 60))]
        return [client(number, windows=windows, minutes_per_week=60) for number, windows in enumerate(asked)]

    def supplies(self) -> Sequence[Any]:
        free: list[tuple[tuple[int, int, int], ...]] = [(), ((1, 500, 520),), ((1, 400, 700),), ((2, 0, 1440),)]
        return [caregiver(number, windows=windows) for number, windows in enumerate(free)]


def test_every_built_in_rule_is_judged() -> None:
    suites = [kind for kind in (*RuleContract.__subclasses__(), *OfGiving.__subclasses__()) if kind is not OfGiving]
    judged = {kind().rule().name for kind in suites}
    assert judged >= set(RULES.builtin)
