"""Lines of text files of unknown make: what encoding they are in is found out before a single character is replaced."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from iiif.ingest.guessing import best_single, doubt, guessed
from iiif.ingest.model import IngestIssue, Place, SourceError, warning

CHUNK = 1 << 20
MAX_LINE = 4_000_000  # bytes; what is longer is no row
SAMPLE = 200_000
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = ("utf-8", "utf-8-sig")
_MADE_OF_UTF8 = tuple(chr(first) + chr(second) for first in (0xC2, 0xC3) for second in range(0x80, 0xC0))


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a file is read. Lines that `encoding` does not fit are read by `fallback`, each with a warning."""

    encoding: str
    fallback: str = ""
    line_end: bytes = b"\n"
    lines: int = 0
    issues: tuple[IngestIssue, ...] = ()


class Line(NamedTuple):
    """A line with its end, or an issue in its place or beside it. `number` counts from 1."""

    number: int
    text: str
    issue: IngestIssue | None = None


@dataclass(slots=True)
class _Tally:
    """What the bytes of a file show, line by line."""

    lines: int = 0
    utf8_lines: int = 0
    first_utf8: int = 0
    other_lines: int = 0
    first_other: int = 0
    sample: bytearray | None = None


def form_of(path: Path, declared: str = "") -> TextForm:
    """Find out how to read the file, declared or not; its bytes are read once, or twice where they contradict.

    Raises SourceError.
    """
    with path.open("rb") as stream:
        start = stream.read(4096)
        stream.seek(0)
        wide = _wide_encoding(start, declared)
        if wide:
            return _wide_form(path, wide)
        line_end, lines, is_utf8, is_ascii = _scan(stream)
        if is_utf8 and (is_ascii or not declared or _name(declared) in (*_UTF8, "ascii")):
            return TextForm("utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8", "", line_end, lines)
        stream.seek(0)
        tally = _tally(stream, line_end)
    if not declared or _name(declared) in (*_UTF8, "ascii"):
        return _instead_of_utf8(path, tally, line_end, bool(declared))
    return _instead_of(path, _name(declared), tally, line_end)


def lines_of(path: Path, form: TextForm) -> Iterator[Line]:
    """The lines of the file, ends included; memory stays flat whatever its size."""
    if form.encoding.startswith(("utf-16", "utf-32")):
        yield from _wide_lines(path, form)
        return
    with path.open("rb") as stream:
        for number, raw in enumerate(_raw_lines(stream, form.line_end), 1):
            if number == 1 and form.encoding in _UTF8:
                raw = raw.removeprefix(codecs.BOM_UTF8)
            if len(raw) > MAX_LINE:
                yield Line(number, "", IngestIssue("bad-row", f"Line {number} is longer than {MAX_LINE:,} bytes."))
            else:
                yield _decoded(number, raw, form)


def looks_garbled(text: str) -> bool:
    """Whether the text has what only a wrong encoding leaves behind: control characters, or UTF-8 that was read as Latin-1."""
    if text.isascii():
        return False
    return any("\x80" <= char <= "\x9f" for char in text) or "\ufffd" in text or any(pair in text for pair in _MADE_OF_UTF8)


def _name(encoding: str) -> str:
    """Python's name of it. Raises LookupError."""
    name = codecs.lookup(encoding).name
    return {"iso8859-1": "latin-1", "utf-8-sig": "utf-8-sig"}.get(name, name)


def _wide_encoding(start: bytes, declared: str) -> str:
    for mark, name in _MARKS:
        if start.startswith(mark) and name not in _UTF8:
            return name
    if declared and _name(declared).startswith(("utf-16", "utf-32")):
        order = "be" if start[::2].count(0) > start[1::2].count(0) else "le"  # where there is no mark
        return f"{_name(declared)[:6]}-{order}" if _name(declared) in ("utf-16", "utf-32") else _name(declared)
    if len(start) >= 2 and start.count(0) * 4 >= len(start):
        return "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"
    return ""


def _wide_form(path: Path, encoding: str) -> TextForm:
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 0
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(CHUNK):
                lines += decoder.decode(chunk).count("\n")
            decoder.decode(b"", True)
        except UnicodeError as error:
            sentence = f"The file looks like {encoding}, but is not ({str(error)[:150]}): save it again as UTF-8."
            raise SourceError("wrong-encoding", sentence, value=encoding) from error
    return TextForm(encoding, lines=lines + 1)


def _wide_lines(path: Path, form: TextForm) -> Iterator[Line]:
    with path.open(encoding=form.encoding, newline="") as stream:
        number = 0
        while text := stream.readline(MAX_LINE):
            number += 1
            yield Line(number, text.removeprefix("\ufeff") if number == 1 else text)


def _scan(stream: IO[bytes]) -> tuple[bytes, int, bool, bool]:
    """End of line, how many there are, and whether all is UTF-8, and whether it is plain ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    feeds = returns = 0
    is_utf8 = is_ascii = True
    while chunk := stream.read(CHUNK):
        feeds += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        is_ascii = is_ascii and chunk.isascii()
        if is_utf8 and not is_ascii:
            is_utf8 = _decodes(decoder, chunk, final=False)
    is_utf8 = is_utf8 and (is_ascii or _decodes(decoder, b"", final=True))
    return (b"\r", returns + 1, is_utf8, is_ascii) if returns and not feeds else (b"\n", feeds + 1, is_utf8, is_ascii)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _tally(stream: IO[bytes], line_end: bytes) -> _Tally:
    tally = _Tally(sample=bytearray())
    assert tally.sample is not None  # noqa: S101 - made above
    for number, raw in enumerate(_raw_lines(stream, line_end), 1):
        tally.lines = number
        if raw.isascii():
            continue
        if _is_utf8(raw):
            tally.utf8_lines += 1
            tally.first_utf8 = tally.first_utf8 or number
        else:
            tally.other_lines += 1
            tally.first_other = tally.first_other or number
            if len(tally.sample) < SAMPLE:
                tally.sample += raw[:SAMPLE]
    return tally


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _instead_of_utf8(path: Path, tally: _Tally, line_end: bytes, declared: bool) -> TextForm:
    """Some line at least is no UTF-8: all are in another encoding, or only those."""
    other = guessed(bytes(tally.sample or b""), line_end)
    if not other and tally.utf8_lines < tally.other_lines:
        sentence = (
            f"The letters of the file, from line {tally.first_other}, are neither UTF-8 nor of an alphabet whose encoding can be "
            "guessed: save it as UTF-8."
        )
        raise SourceError("wrong-encoding", sentence, place=Place(path.name, tally.first_other))
    if tally.utf8_lines:
        return TextForm("utf-8", other, line_end, tally.lines)
    place = Place(path.name, tally.first_other)
    issues: tuple[IngestIssue, ...] = ()
    if declared:
        where = f"{tally.other_lines} lines, from line {tally.first_other}"
        sentence = f"The file is declared as UTF-8 and is not ({where}): read as {other}."
        issues = (warning("wrong-encoding", sentence, value=other, place=place),)
    else:
        sentence = f"The encoding is guessed to be {other}, from line {tally.first_other}: check that its letters are right."
        if (rival := doubt(bytes(tally.sample or b""), other)) is not None:
            sentence = (
                f"The encoding is guessed to be {other}, from line {tally.first_other}, where {rival.encoding} is about as "
                f"likely: if {rival.word!r} should be {rival.otherwise!r}, declare that, or save the file as UTF-8."
            )
        issues = (warning("wrong-encoding", sentence, value=other, place=place),)
    return TextForm(other, "latin-1", line_end, tally.lines, issues)


def _instead_of(path: Path, declared: str, tally: _Tally, line_end: bytes) -> TextForm:
    """An encoding other than UTF-8 is declared, and some line is not ASCII."""
    if not tally.other_lines:
        where = f"{tally.utf8_lines} lines, from line {tally.first_utf8}"
        sentence = f"The file is declared as {declared} and is UTF-8 ({where}): read as UTF-8."
        issue = warning("wrong-encoding", sentence, value="utf-8", place=Place(path.name, tally.first_utf8))
        return TextForm("utf-8", "", line_end, tally.lines, (issue,))
    sample = bytes(tally.sample or b"")
    try:
        garbled = any("\x80" <= char <= "\x9f" for char in sample.decode(declared))
    except UnicodeDecodeError:
        garbled = True
    if tally.utf8_lines:
        return TextForm("utf-8", best_single(sample, line_end) if garbled else declared, line_end, tally.lines)
    if not garbled:
        return TextForm(declared, "utf-8", line_end, tally.lines)
    other = best_single(sample, line_end)
    where = f"{tally.other_lines} lines, from line {tally.first_other}"
    sentence = f"The file is declared as {declared} and is not ({where}): read as {other}."
    issue = warning("wrong-encoding", sentence, value=other, place=Place(path.name, tally.first_other))
    return TextForm(other, "latin-1", line_end, tally.lines, (issue,))


def _decoded(number: int, raw: bytes, form: TextForm) -> Line:
    try:
        return Line(number, raw.decode("utf-8" if form.encoding in _UTF8 else form.encoding))
    except UnicodeDecodeError as error:
        try:
            text = raw.decode(form.fallback or "utf-8")
        except UnicodeDecodeError:
            sentence = f"Line {number} holds bytes that are not {form.encoding}: {raw[error.start : error.start + 8].hex(' ')}."
            return Line(number, "", IngestIssue("wrong-encoding", sentence, value=raw[error.start : error.start + 8].hex(" ")))
        sentence = f"Line {number} is not {form.encoding}, unlike others: read as {form.fallback or 'utf-8'}."
        return Line(number, text, warning("wrong-encoding", sentence, value=form.fallback or "utf-8"))


def _raw_lines(stream: IO[bytes], line_end: bytes) -> Iterator[bytes]:
    """Lines with their ends; of one that is longer than MAX_LINE only its beginning and a byte more."""
    if line_end == b"\n":
        while raw := stream.readline(MAX_LINE + 1):
            yield raw
            while len(raw) > MAX_LINE and not raw.endswith(b"\n"):
                raw = stream.readline(MAX_LINE + 1)
        return
    rest = b""
    while chunk := stream.read(CHUNK):
        pieces = (rest + chunk).split(line_end)
        rest = pieces.pop()[: MAX_LINE + 1]
        yield from (piece + line_end for piece in pieces)
    if rest:
        yield rest
