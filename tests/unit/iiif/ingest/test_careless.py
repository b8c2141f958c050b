"""Files as museums really send them: each kind of carelessness as a small input of our own, and what must come of it."""

import unicodedata
import zipfile
from pathlib import Path

import pytest

from app.runtime.context import Runtime
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

DWC = "http://rs.tdwg.org/dwc/terms/"
MULTIMEDIA = "http://rs.gbif.org/terms/1.0/Multimedia"
HOST = "https://h.example/m/"
LISTS = ("{0} | {1}", "{0};{1}", "{0}, {1}", "{0},{1}", "{0} {1}", '["{0}", "{1}"]')  # of two files in one cell


FORM = 'fieldsTerminatedBy="\\t" ignoreHeaderLines="1"'


def meta(*fields: str, extension: str = "", form: str = FORM, files: str = "core.txt") -> str:
    """A descriptor of a core whose id is its first column, and the terms of the columns behind it."""
    columns = "".join(f'<field index="{index}" term="{DWC}{term}"/>' for index, term in enumerate(fields, 1))
    locations = "".join(f"<location>{name}</location>" for name in files.split())
    core = f'<core {form} rowType="{DWC}Occurrence"><files>{locations}</files><id index="0"/>{columns}</core>'
    return f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{core}{extension}</archive>'


def extension(row_type: str, *terms: str, file: str = "ext.txt") -> str:
    columns = "".join(f'<field index="{index}" term="{term}"/>' for index, term in enumerate(terms, 1))
    files = f"<files><location>{file}</location></files>"
    return f'<extension {FORM} rowType="{row_type}">{files}<coreid index="0"/>{columns}</extension>'


def archive(folder: Path, descriptor: str, **files: str) -> Path:
    """`core_txt` becomes core.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.xml").write_text(descriptor, encoding="utf-8")
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def names(runtime: Runtime) -> dict[str, list[str]]:
    return {number: [one.file_name for one in media] for number, media in all_of(runtime)[1].items()}


# Which file belongs to which row.


@pytest.mark.parametrize(
    ("file", "reference", "is_taken"),
    [
        ("tray1/IMG_1.jpg", "tray1/IMG_1.jpg", True),
        ("tray1/IMG_1.jpg", "D:\\photos\\tray1\\IMG_1.jpg", True),
        ("tray1/IMG_1.jpg", "\\\\server\\share\\tray1\\IMG_1.jpg", True),
        ("tray1/IMG_1.jpg", "\\\\server\\share\\tray2\\IMG_1.jpg", False),
        ("tray1/IMG_1.jpg", "IMG_1.jpg", True),
        ("tray1/IMG_1.jpg", "tray2/IMG_1.jpg", False),
        ("IMG_1.jpg", "tray2/IMG_1.jpg", True),
        ("pics/K1.jpg", "https://h.example/x/K1.jpg", True),
        ("photos/101/original.jpg", "https://h.example/photos/100/original.jpg", False),
        ("101/K1.jpg", "https://h.example/100/K1.jpg", False),
        ("b/original.jpg", "https://h.example/a/original.jpg", False),
        ("K1.JPG", "https://h.example/a/k1.jpg", True),
        ("K1.jpg", "K1", True),
        ("K 1.jpg", "https://h.example/K%201.jpg", True),
    ],
)
def test_a_path_that_contradicts_is_no_match(
    runtime: Runtime, take_in: Ingest, folder: Path, file: str, reference: str, is_taken: bool
) -> None:
    picture(folder / file)
    (folder / "t.csv").write_text(f"catalogNumber,file,accessURI\nHB-9,{reference},\n")
    report = take_in(folder)
    assert names(runtime) == {"HB-9": [Path(file).name] if is_taken else []}
    assert [code for code, _ in reasons(report)] == ([] if is_taken else ["missing-file"])


def test_of_several_files_of_a_name_none_is_taken_and_all_are_named(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "a" / "IMG_1.jpg"), picture(folder / "b" / "IMG_1.jpg", shade=9)
    (folder / "t.csv").write_text("catalogNumber,file\n1,IMG_1.jpg\n2,b/IMG_1.jpg\n")
    report = take_in(folder)
    assert names(runtime) == {"1": [], "2": ["IMG_1.jpg"]}
    assert reasons(report) == [("ambiguous-file", "t.csv, line 2")]
    assert "'a/IMG_1.jpg', 'b/IMG_1.jpg'" in report.entries[0].sentence
    assert (report.entries[0].column, report.entries[0].value) == ("file", "IMG_1.jpg")


@pytest.mark.parametrize("forms", [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_match_in_every_unicode_form(runtime: Runtime, take_in: Ingest, folder: Path, forms: tuple[str, str]) -> None:
    picture(folder / unicodedata.normalize(forms[0], "Müller 1.jpg"))
    (folder / "t.csv").write_text(f"catalogNumber,file\n1,{unicodedata.normalize(forms[1], 'Müller 1.jpg')}\n", encoding="utf-8")
    assert take_in(folder).rejected == 0
    assert [len(images) for images in names(runtime).values()] == [1]


def test_every_column_that_names_a_file_counts(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    for shade, name in enumerate(("front", "back", "x", "y", "z")):
        picture(folder / f"{name}.jpg", shade=shade)
    (folder / "a.csv").write_text("catalogNumber,image,associatedMedia\n1,front.jpg,back.jpg\n")
    (folder / "b.csv").write_text("catalogNumber,image 1,image 2\n2,x.jpg,y.jpg\n")
    (folder / "c.csv").write_text("Catalog Number,Attachment Name\n3,z.jpg\n")
    assert take_in(folder).rejected == 0
    assert names(runtime) == {"1": ["front.jpg", "back.jpg"], "2": ["x.jpg", "y.jpg"], "3": ["z.jpg"]}


def test_a_file_that_begins_with_a_number_of_the_table_is_no_specimen(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    for shade, name in enumerate(("K1", "K1_2", "K1-a", "K1b", "K10")):
        picture(folder / f"{name}.jpg", shade=shade)
    (folder / "t.csv").write_text("catalogNumber\nK1\n")
    report = take_in(folder)
    assert names(runtime) == {"K1": ["K1.jpg"], "K10": ["K10.jpg"]}
    assert reasons(report) == [("unnamed-image", name) for name in ("K1-a.jpg", "K1_2.jpg", "K1b.jpg")]


@pytest.mark.parametrize(
    ("listed", "start"),
    [
        *((listed, start) for listed in LISTS for start in (HOST, "")),
        ("{0}{1}", HOST),  # names without anything between them are one name
    ],
)
def test_lists_of_media_are_parted_however_they_are_written(
    runtime: Runtime, take_in: Ingest, folder: Path, listed: str, start: str
) -> None:
    picture(folder / "a.jpg"), picture(folder / "b.jpg", shade=5)
    cell = listed.format(f"{start}a.jpg", f"{start}b.jpg").replace('"', '""')
    (folder / "t.csv").write_text(f'catalogNumber,associatedMedia\n1,"{cell}"\n')
    assert take_in(folder).rejected == 0
    assert names(runtime) == {"1": ["a.jpg", "b.jpg"]}


def test_a_list_of_a_field_is_parted_as_its_descriptor_says(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    descriptor = meta("catalogNumber", "associatedMedia").replace('associatedMedia"/>', 'associatedMedia" delimitedBy="+"/>')
    root = archive(tmp_path / "a", descriptor, core_txt="id\tn\tm\n1\tN1\ta.jpg+b.jpg\n")
    picture(root / "a.jpg"), picture(root / "b.jpg", shade=5)
    take_in(root)
    assert names(runtime) == {"N1": ["a.jpg", "b.jpg"]}


# Headers, widths, encodings.


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\ncatalogNumber;locality\n1;Bonn, Rhine\n",
        'Herbarium X\nexported 2024-01-01\n\ncatalogNumber,locality\n1,"Bonn, Rhine"\n',
        "\n\ncatalogNumber\tlocality\n1\tBonn, Rhine\n",
        'catalogNumber,locality\n1,"Bonn, Rhine"\ncatalogNumber,locality\n',
    ],
)
def test_what_stands_above_a_header_is_no_header(runtime: Runtime, take_in: Ingest, folder: Path, text: str) -> None:
    (folder / "t.csv").write_text(text)
    report = take_in(folder)
    assert dict(all_of(runtime)[0]["1"].interpreted) == {"catalogNumber": "1", "locality": "Bonn, Rhine"}
    assert (report.records, report.specimens_added, report.rejected) == (1, 1, 0)


def test_a_header_that_the_descriptor_denies_is_no_specimen(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    descriptor = meta("catalogNumber", form='fieldsTerminatedBy="\\t" ignoreHeaderLines="0"')
    report = take_in(archive(tmp_path / "a", descriptor, core_txt="occurrenceID\tcatalogNumber\n1\tN1\n"))
    assert list(all_of(runtime)[0]) == ["N1"]
    assert reasons(report) == [("header-row", "a: core.txt, line 1")]


def test_a_row_that_the_descriptor_takes_for_a_header_is_named(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    report = take_in(archive(tmp_path / "a", meta("catalogNumber"), core_txt="x1\tN1\nx2\tN2\n"))
    assert ("header-row", "a: core.txt, line 1") in reasons(report)


def test_a_row_with_shifted_columns_is_refused(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    core = "id\tn\tlocality\n1\tN1\tBonn\n2\tN2\tBonn\tRhine\n3\tN3\n"
    report = take_in(archive(tmp_path / "a", meta("catalogNumber", "locality"), core_txt=core))
    assert list(all_of(runtime)[0]) == ["N1"]
    assert reasons(report) == [("wrong-column-count", "a: core.txt, line 3"), ("wrong-column-count", "a: core.txt, line 4")]
    assert (report.records, report.specimens_added, report.refused) == (3, 1, 2)


def test_a_descriptor_whose_columns_are_shifted_against_the_header_is_refused(
    runtime: Runtime, take_in: Ingest, tmp_path: Path
) -> None:
    core = "catalogNumber\tcountry\tlocality\tx\nN1\tPeru\tLima\ty\n"
    report = take_in(archive(tmp_path / "a", meta("catalogNumber", "country", "locality"), core_txt=core))
    assert reasons(report) == [("bad-archive", "a: core.txt, line 1")]
    assert all_of(runtime) == ({}, {})


def test_a_wrong_delimiter_is_found_out(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    descriptor = meta("catalogNumber", "locality", form='ignoreHeaderLines="1"')
    report = take_in(archive(tmp_path / "a", descriptor, core_txt="id\tn\tl\n1\tN1\tBonn\n"))
    assert all_of(runtime)[0]["N1"].interpreted["locality"] == "Bonn"
    assert reasons(report) == [("wrong-delimiter", "a: core.txt")]


def test_every_file_of_a_core_and_of_an_extension_is_read(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    media = extension(MULTIMEDIA, "http://purl.org/dc/terms/identifier").replace(
        "</location>", "</location><location>more.txt</location>"
    )
    root = archive(
        tmp_path / "a",
        meta("catalogNumber", files="core.txt core2.txt", extension=media),
        core_txt="id\tn\n1\tN1\n",
        core2_txt="id\tn\n2\tN2\n",
        ext_txt="id\tu\n1\ta.jpg\n",
        more_txt="id\tu\n2\tb.jpg\n",
    )
    picture(root / "a.jpg"), picture(root / "b.jpg", shade=4)
    assert take_in(root).rejected == 0
    assert names(runtime) == {"N1": ["a.jpg"], "N2": ["b.jpg"]}


def test_what_a_descriptor_leaves_out_means_what_the_text_guide_says(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    descriptor = meta("catalogNumber", "locality", form="")
    take_in(archive(tmp_path / "a", descriptor, core_txt='1,N1,"Bonn, Rhine"\n2,N2,Köln\n'))
    assert {number: one.interpreted["locality"] for number, one in all_of(runtime)[0].items()} == {
        "N1": "Bonn, Rhine",
        "N2": "Köln",
    }


def test_a_default_stands_for_a_value_that_a_row_leaves_empty(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    descriptor = meta("catalogNumber", "country").replace('country"/>', 'country" default="Peru"/>')
    take_in(archive(tmp_path / "a", descriptor, core_txt="id\tn\tc\n1\tN1\t\n2\tN2\tChile\n"))
    assert {number: one.interpreted["country"] for number, one in all_of(runtime)[0].items()} == {"N1": "Peru", "N2": "Chile"}


def test_no_letter_is_lost_where_the_declared_encoding_is_another(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    root = archive(tmp_path / "a", meta("catalogNumber", "locality"))
    (root / "core.txt").write_bytes("id\tn\tl\n1\tN1\tKöln, 50°N\n".encode("cp1252"))
    report = take_in(root)
    assert all_of(runtime)[0]["N1"].verbatim["locality"] == "Köln, 50°N"
    assert reasons(report) == [("wrong-encoding", "a: core.txt, line 2")]


# What is nowhere is named.


def test_the_id_of_a_core_and_columns_without_a_term_are_kept(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    report = take_in(archive(tmp_path / "a", meta("catalogNumber"), core_txt="id\tn\tshelf\nurn:1\tN1\t12b\n"))
    verbatim = all_of(runtime)[0]["N1"].verbatim
    assert (verbatim["id"], verbatim["shelf (column 3, no term)"]) == ("urn:1", "12b")
    assert reasons(report) == [("unknown-column", "a: core.txt")]


def test_rows_of_other_extensions_are_kept_with_their_record(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    identifications = extension(f"{DWC}Identification", f"{DWC}scientificName", f"{DWC}typeStatus")
    rows = "id\tn\tt\n1\tCarex lepidocarpa\tHolotype\n9\tCarex x\t\n"
    root = archive(tmp_path / "a", meta("catalogNumber", extension=identifications), core_txt="id\tn\n1\tN1\n", ext_txt=rows)
    report = take_in(root)
    specimen = all_of(runtime)[0]["N1"]
    assert specimen.verbatim["Identification 1, typeStatus"] == "Holotype"
    assert "typeStatus" not in specimen.interpreted
    assert reasons(report) == [("extension-rows", "a: ext.txt, line 3")]


def test_a_further_row_that_says_more_is_named(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "a.csv").write_text("catalogNumber,locality,remark\n1,Bonn,first\n1,Bonn,second\n")
    report = take_in(folder)
    (folder / "a.csv").write_text("catalogNumber,locality,country\n1,Bonn,Germany\n")
    again = take_in(folder)
    assert (reasons(report), reasons(again)) == ([("says-more", "a.csv, line 3")], [("says-more", "a.csv, line 2")])
    assert "remark 'second'" in report.entries[0].sentence
    assert (again.entries[0].column, again.entries[0].value, again.already_here) == ("country", "Germany", 1)


def test_a_table_that_is_not_read_is_a_refusal_and_other_files_are_named(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "export.csv").write_text("BARCODE,GENUS\nBR1,Carex\n")
    (folder / "README.txt").write_text("nothing, really"), (folder / "eml.xml").write_text("<eml/>")
    picture(folder / "BR1.jpg")
    report = take_in(folder)
    assert reasons(report) == [("no-known-columns", "export.csv")]
    assert report.notes == ["Neither images nor tables of specimens, and not read: README.txt, eml.xml."]


@pytest.mark.parametrize("name", ["list.txt", "list.tsv", "list.tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_text_with_columns_of_specimens_is_a_table(
    runtime: Runtime, take_in: Ingest, folder: Path, name: str, encoding: str
) -> None:
    (folder / name).write_text("catalogNumber\tlocality\n1\tKöln\n", encoding=encoding)
    assert take_in(folder).specimens_added == 1
    assert take_in(folder / name).already_here == 1


def test_tables_and_archives_are_found_however_deep(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "drawer1").mkdir(), (folder / "drawer2").mkdir()
    (folder / "drawer1" / "list.csv").write_text("catalogNumber\nK1\n")
    (folder / "drawer2" / "list.csv").write_text("catalogNumber\nK2\nK3\n")
    picture(folder / "drawer1" / "K1.jpg")
    archive(folder / "a" / "b", meta("catalogNumber"), core_txt="id\tn\n1\tN1\n")
    archive(folder / "c", meta("catalogNumber"), core_txt="id\tn\n1\tN2\n")
    inner = folder / "d.zip"
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("README.txt", "beside")
        packed.writestr("x/y/meta.xml", meta("catalogNumber"))
        packed.writestr("x/y/core.txt", "id\tn\n1\tN3\n\tN4\tN5\n")
    with zipfile.ZipFile(folder / "outer.zip", "w") as packed:
        packed.write(inner, "deep/inner.zip")
    inner.unlink()
    report = take_in(folder)
    assert set(names(runtime)) == {"K1", "K2", "K3", "N1", "N2", "N3"}
    assert names(runtime)["K1"] == ["K1.jpg"]
    assert ("wrong-column-count", "outer.zip/inner.zip/x/y: core.txt, line 3") in reasons(report)


def test_a_bad_archive_does_not_stop_the_next_one(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    archive(folder / "a", "<archive><core/></archive>"), archive(folder / "b", meta("catalogNumber"), core_txt="id\tn\n1\tN1\n")
    (folder / "c.zip").write_bytes(b"PK no zip")
    (folder / "d").mkdir(), (folder / "d" / "datapackage.json").write_text("[]")
    report = take_in(folder)
    assert list(names(runtime)) == ["N1"]
    assert reasons(report) == [("bad-archive", place) for place in ("c.zip", "images/a", "images/d")]


def test_every_refusal_names_archive_file_line_column_value_and_what_to_do(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    for name in ("fungi", "herbarium"):
        archive(folder / name, meta("catalogNumber", "eventDate"), core_txt=f"id\tn\td\n1\t{name}\t27/11/15\n2\tshort\n")
    report = take_in(folder)
    entry = next(entry.to_json() for entry in report.entries if entry.code == "bad-date")
    expected = {"archive": "images/fungi", "file": "core.txt", "line": 2, "column": "eventDate", "value": "27/11/15"}
    assert {key: entry[key] for key in expected} == expected
    assert entry["place"] == "images/fungi: core.txt, line 2"
    assert all(entry.advice for entry in report.entries)
    assert all_of(runtime)[0]["fungi"].source == "images/fungi: core.txt, line 2"


# Rights and places.


def test_an_images_own_terms_of_use_go_before_its_records_licence(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    terms = (
        "http://rs.tdwg.org/ac/terms/accessURI",
        "http://ns.adobe.com/xap/1.0/rights/UsageTerms",
        "http://ns.adobe.com/xap/1.0/rights/Owner",
    )
    descriptor = meta("catalogNumber", extension=extension("http://rs.tdwg.org/ac/terms/Multimedia", *terms))
    descriptor = descriptor.replace("</core>", '<field index="2" term="http://purl.org/dc/terms/license"/></core>')
    root = archive(
        tmp_path / "a",
        descriptor,
        core_txt="id\tn\tl\n1\tN1\tCC0\n2\tN2\tCC0\n",
        ext_txt="id\turi\tusage\towner\n1\ta.jpg\tCC BY-NC 4.0\tM\n2\tb.jpg\tAll rights reserved\t\n",
    )
    picture(root / "a.jpg"), picture(root / "b.jpg", shade=6)
    take_in(root)
    media = all_of(runtime)[1]
    assert [(one.rights, one.rights_holder) for one in media["N1"] + media["N2"]] == [
        ("CC BY-NC 4.0", "M"),
        ("All rights reserved", ""),
    ]


def test_a_withheld_place_is_named(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "t.csv").write_text("catalogNumber,locality,informationWithheld\n1,Exact ravine,location withheld\n2,Bonn,none\n")
    assert reasons(take_in(folder)) == [("withheld-place", "t.csv, line 2")]


# Data packages.


def test_a_data_package_is_read_by_its_links(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    resources = ("material", "media", "material-media", "event", "protocol")
    descriptor = ", ".join(f'{{"name": "{name}", "path": "{name}.csv"}}' for name in resources)
    (folder / "datapackage.json").write_text(f'{{"resources": [{descriptor}]}}')
    (folder / "material.csv").write_text("materialEntityID,catalogNumber,eventID\nm1,HB-1,e1\nm2,HB-2,\n")
    (folder / "media.csv").write_text("mediaID,accessURI,rights\nd1,https://h.example/one.jpg,CC0\nd2,two.jpg,\nd3,three.jpg,\n")
    (folder / "material-media.csv").write_text("materialEntityID,mediaID\nm1,d1\nm2,d2\n")
    (folder / "event.csv").write_text("eventID,locality\ne1,Bonn\n")
    (folder / "protocol.csv").write_text("protocolID\np1\n")
    picture(folder / "one.jpg"), picture(folder / "two.jpg", shade=8)
    report = take_in(folder)
    assert names(runtime) == {"HB-1": ["one.jpg"], "HB-2": ["two.jpg"]}
    assert all_of(runtime)[0]["HB-1"].interpreted["locality"] == "Bonn"
    assert reasons(report) == [("extension-rows", "images: protocol.csv"), ("orphan-media", "images: media.csv, line 4")]


def test_a_package_of_another_kind_is_refused_whole(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "datapackage.json").write_text('{"resources": [{"name": "links", "path": "links.csv"}]}')
    (folder / "links.csv").write_text("materialEntityID,mediaID\nm1,d1\n")
    report = take_in(folder)
    assert all_of(runtime) == ({}, {})
    assert reasons(report) == [("bad-archive", "images")]
