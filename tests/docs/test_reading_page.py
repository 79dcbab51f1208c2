"""What docs/reading.md says is so."""

import re
from pathlib import Path

import pytest

from aidmatch import sources
from aidmatch.records.giving import Need
from aidmatch.sources.aliases import folded, headers_of
from aidmatch.sources.columns import columns_of

PAGE = (Path(__file__).parents[2] / "docs" / "reading.md").read_text(encoding="utf-8")


def test_its_program_runs() -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(program, {})  # noqa: S102  # the page is this project's own


def test_the_headers_it_names_are_known() -> None:
    found = headers_of("needs", {column.field: None for column in columns_of(Need)})
    (named,) = re.findall(r"aliases.py\): ([^…]*) …", PAGE)
    assert {folded(header) for header in named.split(", ")} <= found.keys()


@pytest.mark.parametrize("name", sources.__all__)
def test_every_source_can_be_imported_and_is_documented(name: str) -> None:
    assert getattr(sources, name).__doc__
    assert not hasattr(sources, "Csv")
