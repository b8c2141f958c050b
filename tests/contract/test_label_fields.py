"""A photographed label, from the file to the record: read, proposed beside the record, accepted."""

import csv
from pathlib import Path
from typing import Any

from font_caladea import Caladea
from PIL import Image, ImageDraw, ImageFont

from app.cli.ingest import ingest_paths
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Specimen
from tests.drain import drain
from tests.people import add_person
from tests.sheets import Hub, make_hub

LABEL = (
    "Flora of Belgium",
    "Quercus robur L.",
    "Namur, Han-sur-Lesse, near the river Lesse",
    "alt. 180 m",
    "leg. A. Verhoeven & M. Lindqvist 517",
    "12.VI.1887",
)


def photograph(folder: Path) -> None:
    """A label on grey card, and a table whose record lacks the collector and has another year."""
    picture = Image.new("RGB", (1100, 620), (200, 200, 195))
    font = ImageFont.truetype(Caladea, 40)
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((60, 60, 1040, 560), fill=(252, 250, 240))
    for row, line in enumerate(LABEL):
        drawing.text((100, 90 + 76 * row), line, (20, 20, 20), font=font)
    picture.save(folder / "sheet.png")
    with (folder / "specimens.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["file", "catalogNumber", "scientificName", "eventDate", "country"])
        rows.writerow(["sheet.png", "BR 0001", "Quercus robur", "1888-06-12", "Belgium"])


def the_specimen(runtime: Runtime) -> Specimen:
    with runtime.reads.begin() as session:
        return catalogue.list_specimens(session, limit=1)[0]


def test_what_a_label_says_is_proposed_beside_the_record_and_accepted_into_it(prepared: Runtime, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    photograph(folder)
    ingest_paths(prepared, [folder])
    drain(prepared)
    hub, specimen = make_hub(prepared), the_specimen(prepared)
    curator = add_person(prepared, "cora", "curator")
    proposals = {one["proposal"]["term"]: one for one in listed(hub)}
    assert proposals.keys().isdisjoint({"country", "scientificName", "catalogNumber"})
    collector = proposals["recordedBy"]
    assert (collector["proposal"]["value"], proposals["recordNumber"]["proposal"]["value"]) == (
        "A. Verhoeven | M. Lindqvist",
        "517",
    )
    assert (proposals["eventDate"]["proposal"]["value"], proposals["eventDate"]["record"]["value"]) == (
        "1887-06-12",
        "1888-06-12",
    )
    assert proposals["minimumElevationInMeters"]["proposal"]["value"] == "180"
    document = hub.get(collector["id"]).get_json()
    said = document["body"][0]
    assert said["hub:verbatim"] == "A. Verhoeven & M. Lindqvist"
    label = hub.get(said["wasDerivedFrom"].partition("/versions/")[0]).get_json()
    assert "leg. A. Verhoeven" in label["body"][0]["value"]
    x, y, width, height = map(float, document["target"][0]["selector"]["value"].rpartition(":")[2].split(","))
    assert 60 < x < x + width < 1040
    assert 360 < y < y + height < 480
    assert 0.6 <= float(document["confidence"]) < 1
    page = hub.client.get(f"/specimens/{specimen.key}").get_data(as_text=True)
    assert "Proposals for the record" in page
    assert "A. Verhoeven | M. Lindqvist" in page
    verdict = {"annotation": collector["id"], "version": 1, "verdict": "approved"}
    assert hub.client.post("/api/verdicts", json=verdict, headers=curator.bearer).status_code == 201
    assert the_specimen(prepared).interpreted["recordedBy"] == "A. Verhoeven | M. Lindqvist"


def listed(hub: Hub) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hub.get("/api/proposals?state=unreviewed&kind=proposal").get_json()["items"]
    return found
