"""Tables that people bring back from a spreadsheet: CSV with commas, semicolons or tabs, as their program saved it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from flows.errors import AwalError

SEPARATORS = ",;\t"
"""What stands between cells; the one that the first line has most of."""


def table(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line of `file` that it begins in, the header first; an empty line is a row of no cell.

    Raises AwalError where a quote is not closed, or words follow a closed one: guessing makes one cell of many.
    """
    text = text.removeprefix("\ufeff")
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise AwalError(
            f"{file}:{begins}: is no CSV ({error}). Look for a quote that is not closed, and save it as CSV UTF-8."
        ) from None
