"""CSV as people's spreadsheets save it: one reader for translators' sheets and lists of numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.errors import AwalError
from gateway.spreadsheet import table


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_row_has_the_line_it_begins_in(separator: str, end: str) -> None:
    written = end.join(
        separator.join(row) for row in (("phone", "proof"), ("1", f'"two{end}lines, 1;2"'), (), ("2", ""))
    )
    assert list(table(f"\ufeff{written}{end}", "a.csv")) == [
        (1, ["phone", "proof"]),
        (2, ["1", f"two{end}lines, 1;2"]),
        (4, []),
        (5, ["2", ""]),
    ]


@pytest.mark.parametrize("row", ['2,"open', '2,"shut" and more'])
def test_a_quote_that_is_wrong_is_told_with_the_line_of_its_row(row: str) -> None:
    read = table(f"phone,proof\n1,yes\n{row}\n3,x\n", "a.csv")
    with pytest.raises(AwalError, match=r"^a\.csv:3: is no CSV .* quote that is not closed"):
        list(read)


def test_there_is_one_such_reader(root: Path) -> None:
    """Tables that ship with a room, the gazetteer's and the platform's, are read where they lie: `DictReader`."""
    read = [
        path
        for room in ("gateway", "reports")
        for path in (root / room).rglob("*.py")
        if "csv.reader(" in path.read_text()
    ]
    assert [path.name for path in read] == ["spreadsheet.py"]
