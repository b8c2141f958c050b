"""Further careless inputs of the kinds that museums send: nothing false, nothing lost, nothing silent.

Each is one folder; of each it is said which specimens come of it with which images, and which codes the report has, in order.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.runtime.context import Runtime
from iiif.catalogue import rights
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture

HEAD = "catalogNumber,locality\n"
ROWS = f"{HEAD}HB-1,Bonn\n"


@dataclass(frozen=True)
class Kind:
    """Texts and bytes by file name, pictures by name; and what comes of them."""

    files: Mapping[str, str | bytes]
    specimens: Mapping[str, list[str]]
    codes: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    localities: Mapping[str, str] = field(default_factory=dict)


def meta(attributes: str = 'ignoreHeaderLines="1"', *, file: str = "occurrence.txt", fields: str = "", more: str = "") -> str:
    """A descriptor of two columns; `fields` stand for those after the number."""
    term = "http://rs.tdwg.org/dwc/terms/"
    fields = fields or f'<field index="1" term="{term}locality"/>'
    return (
        f'<archive xmlns="http://rs.tdwg.org/dwc/text/"><core rowType="{term}Occurrence" fieldsTerminatedBy="," {attributes}>'
        f'<files><location>{file}</location></files><id index="0"/><field index="0" term="{term}catalogNumber"/>{fields}</core>'
        f"{more}</archive>"
    )


def extension(row_type: str, file: str, term: str) -> str:
    return (
        f'<extension rowType="{row_type}" fieldsTerminatedBy="," ignoreHeaderLines="1"><files><location>{file}</location></files>'
        f'<coreid index="0"/><field index="1" term="{term}"/></extension>'
    )


def zipped(files: Mapping[str, str | bytes], rename: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    """A zip; `rename` puts bytes into names that no writer would write."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue().replace(*rename) if rename[0] else out.getvalue()


def gif(shade: int = 0) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (9, 7), shade).save(out, "GIF")
    return out.getvalue()


MEDIA, MEASURES = "http://rs.gbif.org/terms/1.0/Multimedia", "http://rs.tdwg.org/dwc/terms/MeasurementOrFact"
IDENTIFIER, VALUE = "http://purl.org/dc/terms/identifier", "http://rs.tdwg.org/dwc/terms/measurementValue"
TWO = {"HB-1": [], "HB-2": []}
LETTERS = f"{HEAD}HB-1,Köln\nHB-2,Łódź\n"
WESTERN = f"{HEAD}HB-1,Köln\nHB-2,Genève\n"
IN_TWO = {"HB-1": "Köln", "HB-2": "Genève"}

KINDS: dict[str, Kind] = {
    "UTF-16 without a mark": Kind({"t.csv": LETTERS.encode("utf-16-le")}, TWO, localities={"HB-1": "Köln", "HB-2": "Łódź"}),
    "UTF-16 of the other order": Kind({"t.csv": LETTERS.encode("utf-16-be")}, TWO, localities={"HB-1": "Köln", "HB-2": "Łódź"}),
    "UTF-32 with a mark": Kind({"t.csv": LETTERS.encode("utf-32")}, TWO, localities={"HB-1": "Köln", "HB-2": "Łódź"}),
    "Windows-1252, which can only be guessed": Kind({"t.csv": WESTERN.encode("cp1252")}, TWO, ("wrong-encoding",), (), IN_TWO),
    "Windows-1251, guessed wrongly and said so": Kind(
        {"t.csv": f"{HEAD}HB-1,Москва\nHB-2,Тула\n".encode("cp1251")}, TWO, ("wrong-encoding",)
    ),
    "Windows-1252 with a line of UTF-8": Kind(
        {"t.csv": WESTERN.encode("cp1252") + "HB-3,Zürich\n".encode()},
        {**TWO, "HB-3": []},
        ("wrong-encoding", "wrong-encoding"),
        (),
        {**IN_TWO, "HB-3": "Zürich"},
    ),
    "Mac Roman with the Mac's line ends": Kind(
        {"t.csv": WESTERN.replace("\n", "\r").encode("mac_roman")}, TWO, ("wrong-encoding",), (), IN_TWO
    ),
    "a mark twice": Kind({"t.csv": b"\xef\xbb\xbf\xef\xbb\xbf" + ROWS.encode()}, {"HB-1": []}),
    "NUL bytes, and the end of file of DOS": Kind({"t.csv": ROWS.encode() + b"\0\0\0\nHB-2,K\0oln\n\x1a"}, TWO),
    "doubled quotes within a field": Kind(
        {"t.csv": f'{HEAD}HB-1,the ""old"" mill\nHB-2,5" pipe\n'}, TWO, (), (), {"HB-1": 'the ""old"" mill', "HB-2": '5" pipe'}
    ),
    "a line end in a field": Kind({"t.csv": f'{HEAD}HB-1,"a\nb"\nHB-2,c\n'}, TWO, (), (), {"HB-1": "a\nb", "HB-2": "c"}),
    "carriage returns alone": Kind({"t.csv": "catalogNumber,locality\rHB-1,a\rHB-2,b\r"}, TWO),
    "a huge field": Kind({"t.csv": f"{ROWS}HB-2,{'x' * 1_100_000}\n"}, {"HB-1": []}, ("bad-row",)),
    "a column twice": Kind(
        {"t.csv": "catalogNumber,locality,locality\nHB-1,a,b\n"}, {"HB-1": []}, ("repeated-column",), (), {"HB-1": "a"}
    ),
    "numbers that are empty": Kind({"t.csv": f"{ROWS},Köln\n  ,Trier\n"}, {"HB-1": []}, ("missing-id", "missing-id")),
    "numbers that a spreadsheet rounded": Kind(
        {"t.csv": f"{HEAD}1.23457E+11,a\n12345678901,b\n"}, {"1.23457E+11": [], "12345678901": []}, ("rounded-number",)
    ),
    "leading zeros that a spreadsheet ate": Kind(
        {"t.csv": f"{HEAD}1,a\nHB-7,b\n"}, {"1": [], "HB-7": []}, ("unnamed-image", "unnamed-image"), ("0001.jpg", "HB-07.jpg")
    ),
    "zeros that belong there": Kind({"t.csv": f"{HEAD}1,a\n01,b\n"}, {"1": ["1.jpg"], "01": ["01.jpg"]}, (), ("1.jpg", "01.jpg")),
    "names in words": Kind(
        {"t.csv": "catalogNumber,associatedMedia\nA,a1.jpg and a2.jpg\nB,b1.jpg / b2.jpg\nC,<c1.jpg> <c2.jpg>\n"},
        {letter: [f"{letter.lower()}1.jpg", f"{letter.lower()}2.jpg"] for letter in "ABC"},
        (),
        ("a1.jpg", "a2.jpg", "b1.jpg", "b2.jpg", "c1.jpg", "c2.jpg"),
    ),
    "objects of JSON": Kind(
        {"t.csv": 'catalogNumber,associatedMedia\nA,"[{""url"": ""a1.jpg""}, {""url"": ""a2.jpg"", ""type"": ""x""}]"\n'},
        {"A": ["a1.jpg", "a2.jpg"]},
        (),
        ("a1.jpg", "a2.jpg"),
    ),
    "a name with words beside it": Kind(
        {"t.csv": "catalogNumber,associatedMedia\nA,see a1.jpg in the cupboard\n"}, {"A": []}, ("missing-file",)
    ),
    "signs in names": Kind(
        {"t.csv": "catalogNumber;file\n1;a b (1).jpg\n2;50%.jpg\n3;a#b.jpg\n4;a,b.jpg\n"},
        {"1": ["a b (1).jpg"], "2": ["50%.jpg"], "3": ["a#b.jpg"], "4": ["a,b.jpg"]},
        (),
        ("a b (1).jpg", "50%.jpg", "a#b.jpg", "a,b.jpg"),
    ),
    "a zip with names of the Mac": Kind(
        {"a.zip": zipped({"d/t.csv": ROWS, "__MACOSX/d/._t.csv": b"\0\5", "d/.DS_Store": b"x"})}, {"HB-1": []}
    ),
    "a zip with names of DOS": Kind(
        {"a.zip": zipped({"K?ln.gif": gif(), "t.csv": "catalogNumber,file\n1,Köln.gif\n"}, (b"K?ln", b"K\x94ln"))},
        {"1": ["Köln.gif"]},
    ),
    "a zip with names of Windows": Kind(
        {"a.zip": zipped({"M?rz.gif": gif(), "t.csv": "catalogNumber,file\n1,März.gif\n"}, (b"M?rz", b"M\xe4rz"))},
        {"1": ["März.gif"]},
    ),
    "a zip with an absolute path": Kind({"a.zip": zipped({"/etc/t.csv": ROWS})}, {}, ("path-outside",)),
    "a zip with a way out": Kind({"a.zip": zipped({"../t.csv": ROWS})}, {}, ("path-outside",)),
    "a zip in a zip beside a table": Kind(
        {"a.zip": zipped({"in/b.zip": zipped({"t.csv": ROWS}), "u.csv": f"{HEAD}HB-2,x\n"})}, TWO
    ),
    "a zip that was cut off": Kind({"a.zip": zipped({"t.csv": ROWS * 50})[:60], "t.csv": ROWS}, {"HB-1": []}, ("bad-archive",)),
    "an index beyond the columns": Kind(
        {
            "meta.xml": meta(fields='<field index="7" term="http://rs.tdwg.org/dwc/terms/locality"/>'),
            "occurrence.txt": ROWS,
        },
        {},
        ("unknown-column", "wrong-column-count"),
    ),
    "one column for two terms": Kind(
        {
            "meta.xml": meta(
                fields='<field index="1" term="http://rs.tdwg.org/dwc/terms/locality"/>'
                '<field index="1" term="http://rs.tdwg.org/dwc/terms/country"/>'
            ),
            "occurrence.txt": ROWS,
        },
        {"HB-1": []},
        ("shared-column",),
    ),
    "a file that is missing": Kind({"meta.xml": meta(file="gone.txt"), "occurrence.txt": ROWS}, {}, ("bad-archive",)),
    "a file named in another case": Kind({"meta.xml": meta(file="Occurrence.TXT"), "occurrence.txt": ROWS}, {"HB-1": []}),
    "a header that meta.xml denies": Kind(
        {"meta.xml": meta('ignoreHeaderLines="0"'), "occurrence.txt": ROWS}, {"HB-1": []}, ("header-row",)
    ),
    "more header lines than lines": Kind(
        {"meta.xml": meta('ignoreHeaderLines="99"'), "occurrence.txt": ROWS}, {}, ("empty-csv",)
    ),
    "quotes that meta.xml says are others": Kind(
        {
            "meta.xml": meta('ignoreHeaderLines="1" fieldsEnclosedBy="\'"'),
            "occurrence.txt": f'{ROWS}HB-2,"Bonn, Rhein"\nHB-3,Trier\n',
        },
        {"HB-1": [], "HB-3": []},
        ("wrong-column-count",),
    ),
    "two extensions of one type": Kind(
        {
            "meta.xml": meta(more=extension(MEDIA, "m1.csv", IDENTIFIER) + extension(MEDIA, "m2.csv", IDENTIFIER)),
            "occurrence.txt": f"{ROWS}HB-2,x\n",
            "m1.csv": "id,identifier\nHB-1,a.jpg\n",
            "m2.csv": "id,identifier\nHB-2,b.jpg\nHB-9,c.jpg\n",
        },
        {"HB-1": ["a.jpg"], "HB-2": ["b.jpg"]},
        ("orphan-media",),
        ("a.jpg", "b.jpg"),
    ),
    "two cores": Kind(
        {"meta.xml": meta(more=meta().split('xt/">')[1].split("</archive>")[0]), "occurrence.txt": ROWS}, {}, ("bad-archive",)
    ),
    "a descriptor in UTF-16": Kind(
        {"meta.xml": f'<?xml version="1.0" encoding="UTF-16"?>{meta()}'.encode("utf-16"), "occurrence.txt": ROWS}, {"HB-1": []}
    ),
    "a package without one of its files": Kind(
        {
            "datapackage.json": json.dumps(
                {"name": "x", "resources": [{"name": "material", "path": "m.csv"}, {"name": "gone", "path": "gone.csv"}]}
            ),
            "m.csv": "materialEntityID,catalogNumber\nm1,HB-1\n",
        },
        {},
        ("bad-archive",),
    ),
    "a spreadsheet that is none": Kind({"a.xls": "catalogNumber\tcountry\n1\tDE\n"}, {}, ("unreadable",)),
    "a table in another language beside its image": Kind(
        {"t.csv": "Katalognummer;Fundort\n1;Bonn\n"}, {"1": ["1.jpg"]}, ("no-known-columns",), ("1.jpg",)
    ),
    "an image with another ending": Kind({"t.csv": "catalogNumber,file\nK,K\n"}, {"K": ["K.jpg"]}, (), ("K.jpg",)),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_careless_input_comes_out_right(runtime: Runtime, take_in: Ingest, folder: Path, name: str) -> None:
    kind = KINDS[name]
    for file, content in kind.files.items():
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    for number, file in enumerate(kind.pictures):
        picture(folder / file, shade=number * 9)
    report = take_in(folder)
    specimens, media = all_of(runtime)
    assert {number: [one.file_name for one in several] for number, several in media.items()} == kind.specimens
    assert tuple(entry.code for entry in report.entries) == kind.codes, [entry.sentence for entry in report.entries]
    assert {number: specimens[number].interpreted["locality"] for number in kind.localities} == kind.localities
    assert report.records == report.specimens_added + report.already_here + report.merged + report.refused


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12/05/98", ""),
        ("v.1887", "1887-05"),
        ("Spring 1902", ""),
        ("0000-00-00", ""),
        ("1899-02-30", ""),
        ("1887-06-12/1887-06-10", ""),
        ("1887-1889", "1887/1889"),
        ("XII.1901", "1901-12"),
        ("12-Jun-1887", "1887-06-12"),
        ("[1890]", ""),
        ("43321", ""),
        ("n.d.", ""),
        ("2999-01-01", ""),
    ],
)
def test_a_date_is_read_without_doubt_or_named(runtime: Runtime, take_in: Ingest, folder: Path, text: str, read: str) -> None:
    (folder / "t.csv").write_text(f"catalogNumber,eventDate\n1,{text}\n")
    report = take_in(folder)
    specimen = all_of(runtime)[0]["1"]
    assert (specimen.interpreted.get("eventDate", ""), specimen.verbatim["eventDate"]) == (read, text)
    assert [entry.code for entry in report.entries] == ([] if read else ["bad-date"])


@pytest.mark.parametrize(
    ("text", "iri", "is_named"),
    [
        ("not for commercial use", "", True),
        ("not CC BY 4.0", "", True),
        ("CC0 and all rights reserved", "", True),
        ("CC BY-NC or CC BY", "", True),
        ("https://creativecommons.org/licenses/by/4.0/deed.de", "http://creativecommons.org/licenses/by/4.0/", False),
        ("http://creativecommons.org/licenses/by/4.0/legalcode", "http://creativecommons.org/licenses/by/4.0/", False),
        ("www.creativecommons.org/licenses/by-sa/3.0/de/", "http://creativecommons.org/licenses/by-sa/3.0/de/", False),
        ("Creative Commons Attribution NonCommercial (CC-BY-NC) 4.0", "http://creativecommons.org/licenses/by-nc/4.0/", False),
        ("CC BY", "", False),
        ("free", "", False),
    ],
)
def test_a_licence_is_what_the_text_names_and_doubt_is_named(
    runtime: Runtime, take_in: Ingest, folder: Path, text: str, iri: str, is_named: bool
) -> None:
    (folder / "t.csv").write_text(f'catalogNumber,file,license\n1,1.jpg,"{text}"\n')
    picture(folder / "1.jpg")
    report = take_in(folder)
    assert rights.iri_of(all_of(runtime)[1]["1"][0].rights) == iri
    assert [entry.code for entry in report.entries] == (["rights-contradiction"] if is_named else [])


def test_what_a_second_delivery_says_more_in_its_extensions_is_named_and_new_media_come_in(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    more = extension(MEASURES, "mof.csv", VALUE) + extension(MEDIA, "media.csv", IDENTIFIER)
    (folder / "meta.xml").write_text(meta(more=more))
    (folder / "occurrence.txt").write_text(f"{ROWS}HB-2,x\n")
    (folder / "mof.csv").write_text("id,measurementValue\nHB-1,5 mm\n")
    (folder / "media.csv").write_text("id,identifier\nHB-1,a.jpg\n")
    picture(folder / "a.jpg"), picture(folder / "b.jpg", shade=9)
    assert take_in(folder).specimens_added == 2
    (folder / "mof.csv").write_text("id,measurementValue\nHB-1,5 mm\nHB-1,6 mm\nHB-2,7 mm\nHB-9,8 mm\n")
    (folder / "media.csv").write_text("id,identifier\nHB-1,a.jpg\nHB-2,b.jpg\n")
    report = take_in(folder)
    assert sorted((entry.code, entry.catalog_number, entry.column, entry.value) for entry in report.entries) == [
        ("extension-rows", "", "", "1"),
        ("says-more", "HB-1", "MeasurementOrFact 2, measurementValue", "6 mm"),
        ("says-more", "HB-2", "MeasurementOrFact 1, measurementValue", "7 mm"),
    ]
    assert {number: [one.file_name for one in media] for number, media in all_of(runtime)[1].items()} == {
        "HB-1": ["a.jpg"],
        "HB-2": ["b.jpg"],
    }
    assert (report.records, report.already_here, report.merged, report.refused) == (2, 1, 1, 0)
