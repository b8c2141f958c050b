"""The report of an ingest: what came in, what was here already, and each refusal and warning with its reason and its place."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.runtime.spreadsheets import harmless
from iiif.ingest.model import MAX_VALUE, IngestIssue, Place, Severity
from iiif.ingest.reasons import ADVICE

KEPT_ENTRIES = 10_000
COLUMNS = ("severity", "code", "archive", "file", "line", "column", "value", "catalogNumber", "sentence", "advice")
MAX_SENTENCE = 2000


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """One refusal or warning; `catalog_number` is empty where none was known."""

    where: Place
    catalog_number: str
    code: str
    sentence: str
    severity: Severity
    column: str = ""
    value: str = ""

    @property
    def place(self) -> str:
        return str(self.where)

    @property
    def advice(self) -> str:
        """What a person can do about it."""
        return ADVICE[self.code]

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "place": self.place,
            "archive": self.where.archive,
            "file": self.where.file,
            "line": self.where.line or None,
            "column": self.column,
            "value": self.value,
            "catalogNumber": self.catalog_number,
            "sentence": self.sentence,
            "advice": self.advice,
        }


@dataclass(slots=True)
class IngestReport:
    """Counts are exact; of the entries the first `KEPT_ENTRIES` are kept, so that memory stays flat.

    Every record is one of four: it became a specimen, was here already, added to one that is (`merged`), or was refused.
    `places_withheld` are records that withhold their place, or whose specimen does: an entry may quote it.
    `sink` is told of every entry as it comes, kept or not.
    """

    records: int = 0
    specimens_added: int = 0
    media_added: int = 0
    depictions_added: int = 0
    already_here: int = 0
    merged: int = 0
    refused: int = 0
    rejected: int = 0
    warnings: int = 0
    places_withheld: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    entries: list[ReportEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sink: Callable[[ReportEntry], None] | None = None

    def add(self, place: Place, number: str, issue: IngestIssue) -> None:
        """Note what was refused, or what went in but is doubtful."""
        if issue.severity == "rejected":
            self.rejected += 1
        else:
            self.warnings += 1
        where = issue.place or place
        sentence, value = issue.sentence[:MAX_SENTENCE], (issue.value or where.image)[:MAX_VALUE]
        entry = ReportEntry(where, number[:MAX_VALUE], issue.code, sentence, issue.severity, issue.column[:MAX_VALUE], value)
        self.codes[entry.code] += 1
        if len(self.entries) < KEPT_ENTRIES:
            self.entries.append(entry)
        if self.sink is not None:
            self.sink(entry)

    @property
    def is_failure(self) -> bool:
        """Whether something was refused and nothing came in or was here already."""
        return self.rejected > 0 and not (self.specimens_added or self.media_added or self.depictions_added or self.already_here)

    @property
    def first_refusal(self) -> str:
        """Why the first of what was refused was refused; empty where nothing was."""
        return next((entry.sentence for entry in self.entries if entry.severity == "rejected"), "")

    def to_json(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "specimensAdded": self.specimens_added,
            "mediaAdded": self.media_added,
            "depictionsAdded": self.depictions_added,
            "alreadyHere": self.already_here,
            "merged": self.merged,
            "refused": self.refused,
            "rejectedTotal": self.rejected,
            "warningsTotal": self.warnings,
            "placesWithheld": self.places_withheld,
            "entriesLeftOut": self.rejected + self.warnings - len(self.entries),
            "codes": dict(self.codes.most_common()),
            "notes": self.notes,
            "rejected": [entry.to_json() for entry in self.entries if entry.severity == "rejected"],
            "warnings": [entry.to_json() for entry in self.entries if entry.severity == "warning"],
        }

    def summary(self) -> str:
        """One sentence for people; the records are the sum of the first four numbers."""
        parts = [f"{self.specimens_added} specimens added", f"{self.already_here} already here", f"{self.merged} merged"]
        parts += [f"{self.refused} refused"]
        images = f"{self.media_added} images added"
        images += f", {self.depictions_added} more specimens shown by images" if self.depictions_added else ""
        return f"{self.records} records: {', '.join(parts)}; {images}; {self.rejected} refusals and {self.warnings} warnings."

    def readable(self, shown: int = 50) -> str:
        """Notes, the first entries one to a line, and the summary."""
        lines = list(self.notes)
        for entry in self.entries[:shown]:
            number = f" ({entry.catalog_number})" if entry.catalog_number else ""
            lines.append(f"{entry.severity:8}  {entry.code:27}  {entry.place}{number}: {entry.sentence}")
        left_out = self.rejected + self.warnings - min(len(self.entries), shown)
        if left_out:
            lines.append(f"… and {left_out} more; `lectotype ingest --report-csv FILE` writes them all.")
        return "\n".join([*lines, self.summary()])


def csv_of(report: Mapping[str, Any]) -> str:
    """The entries that a report holds as JSON, as CSV with a header; of those that it left out none are there."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for severity in ("rejected", "warning"):
        entries = report.get("rejected" if severity == "rejected" else "warnings", [])
        writer.writerows(csv_row(entry, severity) for entry in entries)
    return out.getvalue()


def csv_row(entry: Mapping[str, Any], severity: str) -> list[str]:
    """An entry as the JSON of a report has it, in the order of COLUMNS; no cell is taken for a formula by a spreadsheet."""
    values = {**entry, "severity": severity, "line": entry.get("line") or ""}
    return [harmless(str(values.get(column, ""))) for column in COLUMNS]
