"""CSV: one row a statement, UTF-8, numbers as shortest doubles (RFC 4180, with LF).

Opened in a spreadsheet, cells that begin as formulas may run: with `spreadsheet_safe` an apostrophe goes before them, and the
report says in which statements.
"""

import csv
import io
from collections.abc import Iterator

from annotations.exchange import rows
from annotations.exchange.abilities import EXACT, Ability, lost, table
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses, Miss
from annotations.exchange.model import Files, Found, ImageStream, Options, Piece, ReadOptions, Refused
from app.runtime.errors import Invalid
from app.runtime.spreadsheets import csv_line, harmless

NAME = "annotations.csv"
LONGEST_FIELD = 10_000_000
TABLE = table(
    box=EXACT, rings=EXACT, parts=EXACT, holes=EXACT, mask=Ability("exact", "as rings along the edges of its pixels"),
    oriented_box=EXACT, line=EXACT, point=EXACT, whole_image=EXACT, class_=EXACT, class_term=EXACT, crowd=EXACT, score=EXACT,
    keypoints=EXACT, text=EXACT, language=EXACT, comment=EXACT, number_with_unit=EXACT, attributes=EXACT, identifier=EXACT,
    creator=EXACT, run=EXACT, licence=EXACT,
    several_targets=lost("their number alone"), further_bodies=lost("their number alone"),
)  # fmt: skip


def write(stream: ImageStream, classes: ClassTable, losses: Losses, options: Options) -> Iterator[Piece]:
    """`annotations.csv`; an image without statements has a row with the columns of the image alone."""
    yield NAME, csv_line(rows.COLUMNS).encode()
    for image, statements in stream:
        losses.image(len(statements))
        for one in statements:
            if classes.of_statement(one, losses) is None:
                continue
            row = rows.of_statement(image, one)
            cells = [rows.plain(row[name]) for name in rows.COLUMNS]
            safe = [harmless(cell) for cell in cells] if options.spreadsheet_safe else cells
            losses.wrote(one, [Miss("cells with an apostrophe before them")] if safe != cells else [])
            yield NAME, csv_line(safe).encode()
        if not statements:
            row = rows.of_image(image)
            yield NAME, csv_line(rows.plain(row.get(name)) for name in rows.COLUMNS).encode()


def read(files: Files, _options: ReadOptions) -> Iterator[Found]:
    """Every `.csv` file that has a column for images. Raises Invalid where there is none."""
    found = False
    for name in files.names():
        if not name.lower().endswith(".csv"):
            continue
        with files.open(name) as binary:
            text = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
            table = csv.DictReader(text)
            try:
                if not {"image", "imageIri", "imageSha256"} & set(table.fieldnames or ()):
                    continue
                found = True
                yield from _rows(table, name)
            except (csv.Error, UnicodeDecodeError) as error:
                raise Invalid(f"{name[:200]} is no CSV in UTF-8: {str(error)[:100]}") from error
    if not found:
        raise Invalid("There is no CSV file with a column image, imageIri or imageSha256.")


def _rows(table: "csv.DictReader[str]", name: str) -> Iterator[Found]:
    for row in table:
        where = f"{name}: line {table.line_num}"
        try:
            yield rows.read(row, where)
        except ValueError as error:
            yield Refused(where, str(error))
