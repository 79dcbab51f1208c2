"""Whoever waits for a solve hears of it, and nobody else does."""

import io
import sys

import pytest
from tests.instances import DAY, lot, need

import aidmatch as am
from aidmatch.engine.options import Options
from aidmatch.progress import Bar, Progress

PROBLEM = am.GivingProblem(
    [need(f"{item}{i}", 2, item=item) for item in ("quilt", "rice") for i in range(3)],
    [lot(f"{item}-lot{j}", item=item) for item in ("quilt", "rice") for j in range(2)],
    as_of=DAY,
)


def test_every_part_and_every_round_is_reported() -> None:
    seen: list[Progress] = []
    am.solve(PROBLEM, progress=seen.append, engine=Options(price_from=0))
    assert seen[0] == Progress(2, 0, 12, 0, 0, 0, None, 12)
    assert (seen[-1].markets_done, seen[-1].pairs_done, seen[-1].gap, seen[-1].components) == (2, 12, 0, 2)
    assert [one.gap for one in seen] == sorted((one.gap for one in seen), reverse=True)
    assert any(one.rounds == 1 and one.missing == 0 for one in seen)


def test_nothing_is_printed_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    am.solve(PROBLEM)
    assert capsys.readouterr() == ("", "")


def test_the_bar_draws_itself() -> None:
    screen = io.StringIO()
    with Bar(file=screen) as bar:
        am.solve(PROBLEM, progress=bar)
    drawn = screen.getvalue().split("\r")[-1]
    assert "deciding: 100%" in drawn
    assert "proven=2/2" in drawn


def test_without_tqdm_the_bar_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(am.PluginError, match=r"aidmatch\[progress\]") as caught:
        Bar()
    assert caught.value.code == "MISSING_EXTRA"
