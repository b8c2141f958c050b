"""Cells of CSV that no spreadsheet takes for a formula (OWASP, CSV injection)."""

import re

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are the wide forms of the others


def harmless(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would calculate it; negative numbers stay numbers."""
    is_number = re.fullmatch(r"-[\d.,]+", text, re.ASCII) is not None
    return f"'{text}" if (text.lstrip().startswith(FORMULA) and not is_number) or text.startswith(("\t", "\r")) else text
