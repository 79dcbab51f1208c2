"""Plug-ins are named, lazy and loud."""

import sys
from pathlib import Path

import pytest

import aidmatch as am
from aidmatch.plugins import Registry

GROUP = "aidmatch.tests"
HERE = Registry(GROUP, {"path": "pathlib:Path", "fraction": "fractions:Fraction"})


def installed(folder: Path, distribution: str, **entries: str) -> None:
    """A distribution as an installer leaves it, with entry points in this test's group."""
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{GROUP}]", *(f"{name.replace('_', '-')} = {value}" for name, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_built_in_is_found_by_its_name() -> None:
    assert HERE.get("path") is Path
    assert HERE.names() == ["fraction", "path"]


def test_an_unknown_name_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(
        am.PluginError, match=r"no plug-in 'paths' in aidmatch\.tests; did you mean 'path'\?"
    ) as refused:
        HERE.get("paths")
    assert refused.value.code == "UNKNOWN_PLUGIN"


def test_a_name_like_no_other_is_an_error_with_the_list() -> None:
    with pytest.raises(am.PluginError, match=r"no plug-in 'zzz' in .*; known: fraction, path") as refused:
        HERE.get("zzz")
    assert refused.value.code == "UNKNOWN_PLUGIN"


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("no_such_module_anywhere:Thing", "ModuleNotFoundError"),
        ("pathlib:NoSuchThing", "AttributeError"),
        ("pathlib:Path.no_such_thing", "AttributeError"),
        ("no such value", "AttributeError"),
    ],
)
def test_a_broken_plug_in_hurts_only_who_names_it(value: str, cause: str) -> None:
    registry = Registry(GROUP, {"broken": value, "path": "pathlib:Path"})
    assert registry.get("path") is Path
    with pytest.raises(am.PluginError, match=f"'broken' in aidmatch.tests .* cannot be imported: {cause}") as refused:
        registry.get("broken")
    assert refused.value.code == "BROKEN_PLUGIN"


def test_an_installed_plug_in_is_imported_when_it_is_named_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "aidmatch_test_lazy", lazy="aidmatch_test_lazy:Thing", ill="aidmatch_test_lazy:Nothing")
    (tmp_path / "aidmatch_test_lazy.py").write_text("class Thing:\n    pass\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert HERE.names() == ["fraction", "ill", "lazy", "path"]
    assert HERE.get("path") is Path
    assert "aidmatch_test_lazy" not in sys.modules
    assert HERE.get("lazy").__name__ == "Thing"
    assert sys.modules.pop("aidmatch_test_lazy")
    monkeypatch.undo()
    assert HERE.names() == ["fraction", "path"]


def test_a_module_that_fails_while_it_is_imported_is_a_broken_plug_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "aidmatch_test_failing", failing="aidmatch_test_failing:Thing")
    (tmp_path / "aidmatch_test_failing.py").write_text("raise RuntimeError('not today')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(am.PluginError, match="RuntimeError: not today") as refused:
        HERE.get("failing")
    assert isinstance(refused.value.__cause__, RuntimeError)


def test_a_name_taken_twice_is_an_error_for_who_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "aidmatch_test_one", path="os:getcwd", twice="os:getcwd")
    installed(tmp_path, "aidmatch_test_other", twice="os:getpid")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(am.PluginError, match=r"'path' in .* is taken by os:getcwd, pathlib:Path") as refused:
        HERE.get("path")
    assert refused.value.code == "PLUGIN_CLASH"
    with pytest.raises(am.PluginError, match=r"'twice' in .* is taken by os:getcwd, os:getpid"):
        HERE.get("twice")
    assert HERE.get("fraction").__name__ == "Fraction"


def test_the_same_thing_declared_twice_is_no_clash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "aidmatch_test_same", path="pathlib:Path")
    monkeypatch.syspath_prepend(tmp_path)
    assert HERE.get("path") is Path
    assert HERE.names() == ["fraction", "path"]


@pytest.mark.parametrize("value", ["os:path.join", "os:getcwd [extra]"])
def test_an_entry_point_is_read_as_packaging_reads_it(value: str) -> None:
    assert callable(Registry(GROUP, {"odd": value}).get("odd"))


@pytest.mark.parametrize(
    ("value", "arguments"), [("pathlib", ()), ("fractions:Fraction", ("x",)), ("operator:neg", ())]
)
def test_a_plug_in_that_cannot_be_made_is_broken(value: str, arguments: tuple[str, ...]) -> None:
    registry = Registry(GROUP, {"broken": value})
    with pytest.raises(am.PluginError, match=r"'broken' in aidmatch\.tests cannot be made") as refused:
        registry.make("broken", *arguments)
    assert refused.value.code == "BROKEN_PLUGIN"


def test_a_plug_in_that_says_itself_what_it_misses_is_believed() -> None:
    with pytest.raises(am.ProblemError) as refused:
        Registry(GROUP, {"strict": f"{__name__}:_refuses"}).make("strict")
    assert refused.value.code == "WHY"


def _refuses() -> None:
    raise am.ProblemError("something is missing", code="WHY")
