"""meta.xml of a Darwin Core Archive, by the Darwin Core Text Guide (dwc.tdwg.org/text), with the guide's own defaults.

Attributes that are missing mean: comma, double quotes, line feed, UTF-8, no line to ignore. A file element may name several
files of the same form, a field may have a default for rows without a value, and be a list (`delimitedBy`).
"""

import codecs
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from iiif.catalogue.identity import folded
from iiif.ingest.files import is_regular, is_within
from iiif.ingest.model import SourceError
from ontology import darwin_core

META = "meta.xml"
MAX_META_BYTES = 5_000_000
MAX_COLUMNS = 10_000
CORES = frozenset({"occurrence", "materialentity", "materialsample", "preservedspecimen", "fossilspecimen", "simpledarwinrecord"})
SIMPLE_RECORD = "http://rs.tdwg.org/dwc/xsd/simpledarwincore/SimpleDarwinRecord"
MEDIA_TYPES = frozenset(
    {"http://rs.gbif.org/terms/1.0/Multimedia", "http://rs.gbif.org/terms/1.0/Image", "http://rs.tdwg.org/ac/terms/Multimedia"}
    | {"http://rs.tdwg.org/ac/terms/Media", "http://rs.tdwg.org/dwc/terms/Multimedia"}
)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "b": "\b", "0": "\0", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Field:
    """A term, the column that gives it (None: only its default does), and what parts its values where it is a list."""

    term: str
    index: int | None
    default: str
    delimited_by: str

    @property
    def name(self) -> str:
        """The term without its namespace."""
        return re.split(r"[/#]", self.term.rstrip("/#"))[-1] or self.term


@dataclass(frozen=True, slots=True)
class DataFile:
    """A core or extension: the files that hold its rows, how they are written, and its columns. `key_index`: id or coreid."""

    row_type: str
    locations: tuple[str, ...]
    encoding: str
    delimiter: str
    quote: str
    header_lines: int
    key_index: int | None
    fields: tuple[Field, ...]
    is_core: bool

    @property
    def is_media(self) -> bool:
        return self.row_type in MEDIA_TYPES

    @property
    def name(self) -> str:
        """The type of its rows, in short."""
        return re.split(r"[/#]", self.row_type.rstrip("/#"))[-1]

    @property
    def width(self) -> int:
        """The least number of columns."""
        return max([field.index for field in self.fields if field.index is not None] + [self.key_index or 0]) + 1


@dataclass(frozen=True, slots=True)
class Archive:
    """What meta.xml describes."""

    core: DataFile
    extensions: tuple[DataFile, ...]
    metadata: str = ""


def read_metafile(folder: Path) -> Archive:
    """The descriptor of an unpacked archive. Raises SourceError (`bad-archive`, `path-outside`)."""
    meta = folder / META
    try:
        if not is_within(meta, folder) or not is_regular(meta) or meta.stat().st_size > MAX_META_BYTES:
            raise _bad(f"is larger than {MAX_META_BYTES:,} bytes, or a link out of the archive")
        root = _parse(meta.read_bytes())
    except OSError as error:
        raise _bad(f"cannot be read ({error.strerror or error})") from error
    cores = [_data_file(child, folder) for child in root if _tag(child) == "core"]
    if len(cores) != 1:
        raise _bad(f"names {len(cores) or 'no'} cores; an archive has one")
    extensions = tuple(_data_file(child, folder) for child in root if _tag(child) == "extension")
    if extensions and cores[0].key_index is None:
        raise _bad('has extensions, but its core has no id to which they could belong (<id index="0"/>)')
    if darwin_core.spelling(cores[0].row_type) not in CORES:
        raise _bad(
            f"has a core of {cores[0].row_type[:200]!r}; cores of occurrences or material are read", value=cores[0].row_type
        )
    return Archive(cores[0], extensions, root.get("metadata") or "")


def _bad(what: str, value: str = "") -> SourceError:
    return SourceError("bad-archive", f"{META} {what}.", value=value[:200])


def _parse(content: bytes) -> ET.Element:
    """The root element; a document type is refused, for entities can unfold without end."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or "<!DOCTYPE".encode("utf-16-le") in content:
        raise _bad("has a document type, which no descriptor needs")
    try:
        root = ET.fromstring(content)  # noqa: S314 - no document type, so no entities
    except (ET.ParseError, ValueError, LookupError) as error:
        raise _bad(f"cannot be read ({error})") from error
    if _tag(root) != "archive":
        raise _bad(f"is not a descriptor: its root is {_tag(root)[:80]!r}")
    return root


def _tag(element: ET.Element) -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def _data_file(element: ET.Element, folder: Path) -> DataFile:
    is_core = _tag(element) == "core"
    locations = tuple(
        (location.text or "").strip()
        for files in element
        if _tag(files) == "files"
        for location in files
        if _tag(location) == "location"
    )
    if not locations:
        raise _bad(f"names no file for its {_tag(element)}")
    locations = tuple(_found(folder, location) for location in locations)
    fields = tuple(_field(child) for child in element if _tag(child) == "field")
    key = next((child for child in element if _tag(child) == ("id" if is_core else "coreid")), None)
    key_index = None if key is None else _index(key.get("index"))
    if not is_core and key_index is None:
        raise _bad(f"has no coreid for {locations[0][:200]!r}")
    delimiter, quote = _character(element, "fieldsTerminatedBy", ","), _character(element, "fieldsEnclosedBy", '"')
    delimiter = "\t" if delimiter == " " else delimiter  # XML makes a blank of a tab that is written as such
    if len(delimiter) != 1 or delimiter in "\r\n" or len(quote) > 1 or quote == delimiter:
        raise _bad(
            f"parts the fields of {locations[0][:200]!r} by {delimiter!r} and encloses them by {quote!r}; both are one character"
        )
    if _character(element, "linesTerminatedBy", "\n").strip(" \r\n"):
        raise _bad(f"ends the lines of {locations[0][:200]!r} by something other than a line end")
    return DataFile(
        (element.get("rowType") or SIMPLE_RECORD).strip(),
        locations,
        _encoding(element, locations[0]),
        delimiter,
        quote,
        _count(element.get("ignoreHeaderLines")),
        key_index,
        fields,
        is_core,
    )


def _found(folder: Path, location: str) -> str:
    """The file of that name, in any case and any Unicode form where there is just one. Raises SourceError."""
    path = folder / location
    if "\0" in location or not is_within(path, folder):
        raise SourceError(
            "path-outside", f"{META} names {location[:200]!r}, which leads out of the archive.", value=location[:200]
        )
    if is_regular(path):
        return location
    parent = path.parent if path.parent.is_dir() else folder
    alike = [each for each in parent.iterdir() if folded(each.name) == folded(path.name) and is_regular(each)]
    if len(alike) != 1 or not is_within(alike[0], folder):
        raise _bad(f"names {location[:200]!r}, which is not in the archive", value=location)
    return str(alike[0].relative_to(folder))


def _field(element: ET.Element) -> Field:
    term = (element.get("term") or "").strip()
    if not term:
        raise _bad("has a field without a term")
    index = element.get("index")
    return Field(
        term, _index(index) if index else None, element.get("default") or "", _unescaped(element.get("delimitedBy") or "")
    )


def _index(text: str | None) -> int:
    if text is None or re.fullmatch(r"\s*\d{1,5}\s*", text, re.ASCII) is None or int(text) >= MAX_COLUMNS:
        raise _bad(f"has {str(text)[:40]!r} as the index of a column")
    return int(text)


def _count(text: str | None) -> int:
    if not text:
        return 0
    if re.fullmatch(r"\s*\d{1,6}\s*", text, re.ASCII) is None:
        raise _bad(f"has {text[:40]!r} as ignoreHeaderLines")
    return int(text)


def _encoding(element: ET.Element, location: str) -> str:
    name = (element.get("encoding") or "UTF-8").strip()
    try:
        if not codecs.lookup(name)._is_text_encoding:  # rot13, zip and the like are codecs too
            raise LookupError("it is not an encoding of text")
    except (LookupError, ValueError) as error:
        raise _bad(f"gives {location[:200]!r} the encoding {name[:40]!r}, which is not known", value=name) from error
    return name


def _character(element: ET.Element, attribute: str, default: str) -> str:
    text = element.get(attribute)
    return default if text is None else _unescaped(text)


def _unescaped(text: str) -> str:
    text = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda match: chr(int(match[1], 16)), text)
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text)
