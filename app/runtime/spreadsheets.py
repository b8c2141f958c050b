"""Lines of CSV, and cells that no spreadsheet takes for a formula (OWASP, CSV injection)."""

import csv
import io
import re
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are the wide forms of the others


def harmless(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would calculate it; negative numbers stay numbers."""
    is_number = re.fullmatch(r"-[\d.,]+", text, re.ASCII) is not None
    return f"'{text}" if (text.lstrip().startswith(FORMULA) and not is_number) or text.startswith(("\t", "\r")) else text


def csv_line(cells: Iterable[object], end: str = "\n") -> str:
    """One line of CSV as it is; `end` is CR LF where RFC 4180 is kept to the letter."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerow(cells)
    return out.getvalue()


def harmless_line(cells: Iterable[str]) -> str:
    """The same with harmless cells, for spreadsheets: it ends with CR LF (RFC 4180)."""
    return csv_line(map(harmless, cells), "\r\n")
