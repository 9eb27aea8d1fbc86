"""Tables are read as they were written, whichever program wrote them, and lines are told as an editor counts them."""

import csv
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccops.cli.csv_file import FileNotReadable, records, source_of

# A writer of Python's does not quote a lone carriage return, so no reader could know it again.
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6)
HEADING = ["email", "set", "a, b", "c"]


@given(rows=ROWS, delimiter=st.sampled_from([",", ";", "\t"]), end=st.sampled_from(["\n", "\r\n"]), bom=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_is_read_with_its_lines(
    tmp_path: Path, rows: list[list[str]], delimiter: str, end: str, *, bom: bool
) -> None:
    heading = HEADING[:2] if delimiter == "," else [*HEADING[:2], "c", "d"]
    text, begins = StringIO(), list[int]()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    for row in (heading, *rows):
        begins.append(len(StringIO(text.getvalue(), newline="").readlines()) + 1)
        writer.writerow(row)
    file = tmp_path / "rows.csv"
    file.write_bytes((b"\xef\xbb\xbf" if bom else b"") + text.getvalue().encode())
    written = [
        (line, row) for line, row in zip(begins, (heading, *rows), strict=True) if any(cell.strip() for cell in row)
    ]
    with ExitStack() as resources:
        read = [(record.line, list(record.cells)) for record in records(source_of(str(file), resources))]
    assert read == written


@given(text=st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_refused(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(text)
    with ExitStack() as resources:
        source = source_of(str(file), resources)
        try:
            lines = [record.line for record in records(source)]
        except FileNotReadable:
            return
        assert lines == sorted(set(lines))


def test_a_pipe_is_read_as_often_as_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("id,set\n1,2\n")
    with file.open() as stream, ExitStack() as resources:
        monkeypatch.setattr("sys.stdin", stream)
        source = source_of("-", resources)
        assert [len(list(records(source))) for _ in range(3)] == [2, 2, 2]
