"""JSON files: an array of objects, or an object a line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from tests.profiles import examples

from aidmatch.errors import SourceError
from aidmatch.sources.json_files import JsonFile, JsonLines
from aidmatch.sources.table import Row, Source

Kind = type[JsonFile] | type[JsonLines]
Write = Callable[[Kind, bytes], JsonFile | JsonLines]

FAULTY = [
    (b'{"a": 1, "a": 2}', "DUPLICATE_COLUMN", "a"),
    (b'{"a": {"b": 1, "b": 2}}', "DUPLICATE_COLUMN", "b"),
    (b'{"a": 1, "lat": NaN}', "NOT_A_NUMBER", "lat"),
    (b'{"a": -Infinity}', "NOT_A_NUMBER", "a"),
    (b'{"a": [1, Infinity]}', "NOT_A_NUMBER", None),
    (b"NaN", "NOT_AN_OBJECT", None),
    (b"[1, 2]", "NOT_AN_OBJECT", None),
    (b'"id"', "NOT_AN_OBJECT", None),
    (b"null", "NOT_AN_OBJECT", None),
]
BROKEN = [
    b'{"a": }',
    b"{'a': 1}",
    b'{"a": 1',
    b'{"a": "x\ny"}',
    b'{"a": ' + b"1" * 5000 + b"}",
    b"[" * 100_000,
    b"{} {}",
]


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Write:
    path = tmp_path_factory.mktemp("json") / "table.json"

    def write(kind: Kind, content: bytes) -> JsonFile | JsonLines:
        path.write_bytes(content)
        return kind(path)

    return write


def rows_of(file: JsonFile | JsonLines) -> list[Row]:
    return list(file.rows("any"))


def plain(file: JsonFile | JsonLines) -> list[tuple[int, Any]]:
    return [(row.line, dict(row.values)) for row in rows_of(file) if row.fault is None]


def refusal_of(file: JsonFile | JsonLines) -> str:
    with pytest.raises(SourceError) as caught:
        rows_of(file)
    return caught.value.code


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_array_of_objects_with_their_lines(write: Write, mark: bytes) -> None:
    file = write(JsonFile, mark + '\n[ {"a": 1},\r\n {"a":\n "粮食"}\n,\n\n{} ]\n'.encode())
    assert isinstance(file, Source)
    assert file.name == "table.json"
    assert plain(file) == [(2, {"a": 1}), (3, {"a": "粮食"}), (7, {})]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_object_a_line(write: Write, mark: bytes) -> None:
    file = write(JsonLines, mark + '{"a": 1}\r\n\n  \n {"a": "粮食"} \n{}'.encode())
    assert isinstance(file, Source)
    assert file.name == "table.json"
    assert plain(file) == [(1, {"a": 1}), (4, {"a": "粮食"}), (5, {})]


def test_nothing_in_it_is_no_error(write: Write) -> None:
    assert rows_of(write(JsonFile, b" [ ] ")) == []
    assert rows_of(write(JsonLines, b"")) == []


@pytest.mark.parametrize("kind", [JsonFile, JsonLines])
def test_large_integers_stay_exact(write: Write, kind: Kind) -> None:
    content = b'{"a": 9007199254740993, "b": 123456789012345678901234567890}'
    (row,) = rows_of(write(kind, content if kind is JsonLines else b"[" + content + b"]"))
    assert row.values == {"a": 9007199254740993, "b": 123456789012345678901234567890}


@pytest.mark.parametrize("kind", [JsonFile, JsonLines])
@pytest.mark.parametrize(("value", "code", "column"), FAULTY)
def test_a_bad_object_costs_itself(write: Write, kind: Kind, value: bytes, code: str, column: str | None) -> None:
    values = [b'{"a": 1}', value, b'{"a": null}']
    file = write(kind, b"\n".join(values) if kind is JsonLines else b"[" + b",\n".join(values) + b"]")
    assert plain(file) == [(1, {"a": 1}), (3, {"a": None})]
    (fault,) = [row.fault for row in rows_of(file) if row.fault is not None]
    assert (fault.source, fault.line, fault.code, fault.column) == ("table.json", 2, code, column)


@pytest.mark.parametrize(
    ("line", "code"),
    [*((line, "BAD_JSON") for line in BROKEN if b"\n" not in line), (b'{"a": "\xff"}', "BAD_ENCODING")],
)
def test_a_bad_line_costs_itself(write: Write, line: bytes, code: str) -> None:
    file = write(JsonLines, b'{"a": 1}\n' + line + b'\n{"a": 2}')
    assert plain(file) == [(1, {"a": 1}), (3, {"a": 2})]
    assert [(row.line, row.fault.code) for row in rows_of(file) if row.fault is not None] == [(2, code)]


@pytest.mark.parametrize("value", [*BROKEN, b"", b'{"a": 1} x', b'{"a": 1}]', b'{"a": 1}] [', b"{}\n,"])
def test_an_array_with_an_error_of_syntax_cannot_be_relied_on(write: Write, value: bytes) -> None:
    with pytest.raises(SourceError, match=r"line [34] on") as caught:
        rows_of(write(JsonFile, b'[\n{"a": 1},\n' + value + b"]"))
    assert caught.value.code == "BAD_JSON"
    assert caught.value.__cause__ is None  # a decoder's error holds the whole document


@pytest.mark.parametrize("content", [b"[", b"[{}", b"[{},"])
def test_an_array_cut_short_cannot_be_relied_on(write: Write, content: bytes) -> None:
    assert refusal_of(write(JsonFile, content)) == "BAD_JSON"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EMPTY_SOURCE"),
        (b" \n", "EMPTY_SOURCE"),
        (b'{"needs": []}', "NOT_AN_ARRAY"),
        (b'{"a": 1}\n{"a": 2}', "NOT_AN_ARRAY"),
        (b'[{"a": "\xff"}]', "BAD_ENCODING"),
        ("[]".encode("utf-16"), "BAD_ENCODING"),
        ("[]".encode("utf-16-le"), "BAD_ENCODING"),
        ("[]".encode("utf-32"), "BAD_ENCODING"),
    ],
)
def test_without_an_array_there_is_nothing_to_read(write: Write, content: bytes, code: str) -> None:
    assert refusal_of(write(JsonFile, content)) == code


def test_lines_in_another_encoding_are_refused_at_once(write: Write) -> None:
    assert refusal_of(write(JsonLines, "{}\n{}".encode("utf-16"))) == "BAD_ENCODING"


@pytest.mark.parametrize("kind", [JsonFile, JsonLines])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: Kind) -> None:
    assert refusal_of(kind(tmp_path / "none.json")) == "NOT_FOUND"
    assert refusal_of(kind(tmp_path)) == "UNREADABLE"


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@with_settings(max_examples=examples(200))
@given(
    table=st.lists(st.dictionaries(st.text(), scalars | st.lists(scalars), max_size=4)),
    indent=st.sampled_from([None, 1]),
)
def test_what_the_json_module_writes_is_read_back(
    write: Write, table: list[dict[str, Any]], indent: int | None
) -> None:
    assert [row for _, row in plain(write(JsonFile, json.dumps(table, indent=indent).encode()))] == table
    assert [row for _, row in plain(write(JsonLines, "\n".join(map(json.dumps, table)).encode()))] == table
