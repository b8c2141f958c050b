"""Encodings that lie are found out before a character is replaced, and the line is named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iiif.ingest.guessing import best_single, guessed
from iiif.ingest.model import Place, SourceError
from iiif.ingest.text_lines import form_of, lines_of, looks_garbled

TEXT = "id,place\n1,Köln\n2,Genève\n3,Zürich\n"


def read(path: Path, data: bytes, declared: str = "") -> tuple[str, list[tuple[str, int | None]]]:
    """What is read, and each issue with its line."""
    path.write_bytes(data)
    form = form_of(path, declared)
    lines = list(lines_of(path, form))
    issues = [(issue.code, issue.place.line if issue.place else None) for issue in form.issues]
    issues += [(line.issue.code, line.number) for line in lines if line.issue]
    return "".join(line.text for line in lines), issues


@pytest.mark.parametrize(
    ("written", "declared", "issues"),
    [
        ("utf-8", "UTF-8", []),
        ("utf-8-sig", "utf8", []),
        ("cp1252", "UTF-8", [("wrong-encoding", 2)]),
        ("utf-8", "ISO-8859-1", [("wrong-encoding", 2)]),
        ("latin-1", "ISO-8859-1", []),
        ("mac_roman", "", [("wrong-encoding", 2)]),
        ("cp850", "", [("wrong-encoding", 2)]),
        ("mac_roman", "windows-1252", [("wrong-encoding", 2)]),
        ("utf-16", "UTF-8", []),
        ("utf-16-le", "", []),
        ("utf-32", "", []),
        ("cp1250", "windows-1250", []),
    ],
)
def test_letters_come_in_whatever_is_declared(tmp_path: Path, written: str, declared: str, issues: list[tuple[str, int]]) -> None:
    text = TEXT if written != "cp1250" else "id,place\n1,Łódź\n"
    assert read(tmp_path / "t.txt", text.encode(written), declared) == (text, issues)


def test_one_foreign_line_does_not_spoil_the_others(tmp_path: Path) -> None:
    data = "1,Łódź\n2,".encode() + b"B\xe2le\n" + "3,Zürich\n".encode()
    assert read(tmp_path / "t.csv", data) == ("1,Łódź\n2,Bâle\n3,Zürich\n", [("wrong-encoding", 2)])


def test_a_line_in_utf_8_among_others_of_the_declared_encoding_is_named(tmp_path: Path) -> None:
    data = "1,Köln\n".encode("latin-1") + "2,Łódź\n".encode()
    text, issues = read(tmp_path / "t.csv", data, "ISO-8859-1")
    assert text == "1,Köln\n2,Łódź\n"
    assert issues == [("wrong-encoding", 1)]


def test_what_is_declared_and_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "t.csv", b"\xff\xfea\0b\0c\xd8x", "UTF-16")
    assert caught.value.finding.code == "wrong-encoding"


def test_lines_of_the_old_mac_end_with_a_return(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a\rb\rc")
    assert [line.text for line in lines_of(path, form_of(path))] == ["a\r", "b\r", "c"]


def test_a_line_without_an_end_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"x" * 9_000_000 + b"\nnext\n")
    lines = list(lines_of(path, form_of(path)))
    assert [(line.number, line.text, line.issue.code if line.issue else None) for line in lines] == [
        (1, "", "bad-row"),
        (2, "next\n", None),
    ]


@pytest.mark.parametrize("text", ["KÃ¶ln", "50Â°N", "Z\x9frich", "K\ufffdln"])
def test_text_that_was_read_wrongly_before_looks_so(text: str) -> None:
    assert looks_garbled(text)
    assert not looks_garbled("Köln, 50°N, Łódź, SÃO PAULO, “É”")


@pytest.mark.parametrize("name", ["cp1252", "mac_roman", "cp850"])
def test_the_encoding_of_european_text_is_found(name: str) -> None:
    text = "Zürich, Genève, Bâle, Müller, Århus, São Paulo, Málaga, naïve"
    assert text.encode(name).decode(best_single(text.encode(name))) == text


@given(st.binary(max_size=400), st.sampled_from(["", "utf-8", "latin-1", "cp1252", "shift_jis", "utf-16", "ascii"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, declared: str) -> None:
    path = tmp_path_factory.mktemp("text") / "t.txt"
    path.write_bytes(data)
    try:
        lines = list(lines_of(path, form_of(path, declared)))
    except SourceError:
        return
    assert all(
        "\ufffd" not in line.text or b"\xef\xbf\xbd" in data or line.issue or b"\xfd\xff" in data or b"\xff\xfd" in data
        for line in lines
    )


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), max_size=200))
def test_utf_8_is_read_to_the_letter(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("text") / "t.txt"
    path.write_bytes(text.encode())
    if text.count("\0") * 4 < len(text.encode()):
        assert "".join(line.text for line in lines_of(path, form_of(path, "UTF-8"))) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Białystok, Łódź", "cp1250"),
        ("Москва, река", "cp1251"),
        ("МОСКВА", "cp1251"),
        ("Львів", "cp1251"),
        ("Новосибирск", "koi8-r"),
        ("Владивосток", "cp866"),
        ("Θεσσαλονίκη", "cp1253"),
        ("Málaga, nº 5, ¿dónde?, m³ £5", "cp1252"),
        ("forêt, cœur, hôtel", "cp1252"),
        ("forêt près d'Angoulême, très âgé, là-bas; " * 20 + "5 m³de sable", "cp1252"),
        ("Köln, Genève, hôtel ±±±±±±±±±±±±", "cp1252"),
    ],
)
def test_other_alphabets_are_told_apart(text: str, name: str) -> None:
    assert guessed(text.encode(name)) == name


@pytest.mark.parametrize(
    ("text", "name"), [("東京都", "euc_jp"), ("東京都新宿区", "shift_jis"), ("中国北京", "gb18030"), ("서울특별시", "euc_kr")]
)
def test_an_alphabet_that_cannot_be_told_is_refused(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "t.csv").write_bytes(f"catalogNumber,locality\n1,Bonn\n2,{text}\n".encode(name))
    with pytest.raises(SourceError) as caught:
        form_of(tmp_path / "t.csv")
    assert (caught.value.finding.code, caught.value.finding.place) == ("wrong-encoding", Place("t.csv", 3))


def test_a_line_that_was_damaged_in_a_text_of_another_alphabet_is_refused_alone(tmp_path: Path) -> None:
    lines = ["catalogNumber,locality\n", "1,東京都新宿区\n", "2,北海道札幌市\n", "3,大阪\n"]
    raw = [line.encode() for line in lines]
    raw[2] = raw[2].replace("道".encode(), "道".encode()[:2])
    (tmp_path / "t.csv").write_bytes(b"".join(raw))
    read = list(lines_of(tmp_path / "t.csv", form_of(tmp_path / "t.csv")))
    assert [line.text for line in read] == [lines[0], lines[1], "", lines[3]]
    assert [line.issue and (line.issue.code, line.issue.severity) for line in read] == [
        None,
        None,
        ("wrong-encoding", "rejected"),
        None,
    ]
