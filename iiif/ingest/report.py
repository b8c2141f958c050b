"""The report of an ingest: what came in, what was here already, and each refusal with its reason."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from iiif.ingest.model import IngestIssue

CODES = {
    "truncated-image": "the file ends before the image does, or its data are broken",
    "not-an-image": "the file is no image that can be read",
    "several-pages": "the TIFF holds several images",
    "unsupported-pixels": "the numbers of the image are no colours of 8 or 16 bits",
    "too-many-pixels": "the image has more pixels than LECTOTYPE_MAX_PIXELS",
    "too-much-memory": "decoding needs more memory than LECTOTYPE_DECODE_BYTES",
    "too-long": "decoding takes longer than LECTOTYPE_DECODE_SECONDS",
    "decoder-died": "the decoder died of the file, twice",
    "too-many-bytes": "the file has more bytes than LECTOTYPE_MAX_FILE_BYTES",
    "empty-file": "the file has no content",
    "missing-id": "the row has no catalogue number and no image to take one from",
    "orphan-media": "a media row of an archive belongs to no row of its core",
    "missing-file": "the image that the row names is not among the files",
    "duplicate-by-hash": "the same bytes are here already, and no row says that they show another specimen",
    "duplicate-by-catalog-number": "the catalogue number is taken by another record",
    "duplicate-by-identifier": "the identifier is taken by another record",
    "ambiguous-number": "several specimens have the catalogue number, and nothing tells which of them is meant",
    "same-number": "another specimen has the catalogue number; their identifiers tell them apart",
    "same-image": "the image is here already, and shows this specimen too",
    "bad-region": "the region of interest is no part of an image",
    "other-region": "a region of interest was not taken for the specimen's own, or its image is not here",
    "too-many-specimens": "the image shows 1,000 specimens, and may show no more",
    "identified": "a specimen that was known by its number alone has got an identifier",
    "value-too-long": "the catalogue number or a code is longer than 255 characters",
    "wrong-column-count": "the row has not as many fields as the header",
    "bad-row": "the row breaks the rules of its format",
    "empty-csv": "the table has no header or no rows",
    "bad-archive": "the archive, or its descriptor meta.xml, cannot be read",
    "path-outside": "a path leads out of its folder or archive",
    "zip-bomb": "the archive unpacks to more than is allowed",
    "nothing-found": "there is nothing to take in",
    "unreadable": "the file could not be opened",
    "zero-coordinates": "0, 0 is not taken for a place",
    "bad-coordinates": "no decimal degrees",
    "bad-date": "no date that can be read without doubt",
    "date-contradiction": "eventDate and year contradict",
    "rights-contradiction": "what is said of the rights contradicts itself: the stricter statement stands",
    "bad-country-code": "not two letters",
}
KEPT_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """One refusal or warning. `place` names file and row; `catalog_number` is empty where none was known."""

    place: str
    catalog_number: str
    code: str
    sentence: str
    severity: Literal["rejected", "warning"]

    def to_json(self) -> dict[str, str]:
        return {"code": self.code, "place": self.place, "catalogNumber": self.catalog_number, "sentence": self.sentence}


@dataclass(slots=True)
class IngestReport:
    """Counts are exact; of the entries the first `KEPT_ENTRIES` are kept, so that memory stays flat."""

    records: int = 0
    specimens_added: int = 0
    media_added: int = 0
    depictions_added: int = 0
    already_here: int = 0
    rejected: int = 0
    warnings: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    entries: list[ReportEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def reject(self, place: str, number: str, finding: IngestIssue) -> None:
        """Note that something was refused."""
        self.rejected += 1
        self._note(ReportEntry(place, number, finding.code, finding.sentence, "rejected"))

    def warn(self, place: str, number: str, finding: IngestIssue) -> None:
        """Note that something went in, but not all of it was understood."""
        self.warnings += 1
        self._note(ReportEntry(place, number, finding.code, finding.sentence, "warning"))

    def _note(self, entry: ReportEntry) -> None:
        self.codes[entry.code] += 1
        if len(self.entries) < KEPT_ENTRIES:
            self.entries.append(entry)

    @property
    def is_failure(self) -> bool:
        """Whether something was refused and nothing came in or was here already."""
        return self.rejected > 0 and not (self.specimens_added or self.media_added or self.depictions_added or self.already_here)

    def to_json(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "specimensAdded": self.specimens_added,
            "mediaAdded": self.media_added,
            "depictionsAdded": self.depictions_added,
            "alreadyHere": self.already_here,
            "rejectedTotal": self.rejected,
            "warningsTotal": self.warnings,
            "entriesLeftOut": self.rejected + self.warnings - len(self.entries),
            "codes": dict(self.codes.most_common()),
            "notes": self.notes,
            "rejected": [entry.to_json() for entry in self.entries if entry.severity == "rejected"],
            "warnings": [entry.to_json() for entry in self.entries if entry.severity == "warning"],
        }

    def summary(self) -> str:
        """One sentence for people."""
        parts = [f"{self.specimens_added} specimens and {self.media_added} images added"]
        parts += [f"{self.depictions_added} more specimens shown by images"] if self.depictions_added else []
        parts += [f"{self.already_here} already here"]
        parts += [f"{self.rejected} rejected", f"{self.warnings} warnings"]
        return f"{self.records} records: " + ", ".join(parts) + "."

    def readable(self, shown: int = 50) -> str:
        """Notes, the first entries one to a line, and the summary."""
        lines = list(self.notes)
        for entry in self.entries[:shown]:
            number = f" ({entry.catalog_number})" if entry.catalog_number else ""
            lines.append(f"{entry.severity:8}  {entry.code:27}  {entry.place}{number}: {entry.sentence}")
        left_out = self.rejected + self.warnings - min(len(self.entries), shown)
        if left_out:
            lines.append(f"… and {left_out} more; `lectotype ingest --report FILE` writes them all.")
        return "\n".join([*lines, self.summary()])
