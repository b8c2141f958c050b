"""Plausible Darwin Core records: real taxa and countries, invented people and places."""

from numpy.random import Generator

COLUMNS = (
    "file",
    "catalogNumber",
    "institutionCode",
    "collectionCode",
    "basisOfRecord",
    "scientificName",
    "family",
    "genus",
    "country",
    "stateProvince",
    "locality",
    "decimalLatitude",
    "decimalLongitude",
    "habitat",
    "recordedBy",
    "recordNumber",
    "eventDate",
    "identifiedBy",
    "dateIdentified",
    "license",
    "rightsHolder",
)
TAXA = (
    ("Quercus robur L.", "Fagaceae"),
    ("Fagus sylvatica L.", "Fagaceae"),
    ("Betula pendula Roth", "Betulaceae"),
    ("Salix caprea L.", "Salicaceae"),
    ("Tilia cordata Mill.", "Malvaceae"),
    ("Digitalis purpurea L.", "Plantaginaceae"),
    ("Campanula rotundifolia L.", "Campanulaceae"),
    ("Rosa canina L.", "Rosaceae"),
    ("Primula veris L.", "Primulaceae"),
    ("Geranium sylvaticum L.", "Geraniaceae"),
    ("Vaccinium myrtillus L.", "Ericaceae"),
    ("Lythrum salicaria L.", "Lythraceae"),
)
PLACES = (
    ("Belgium", "Namur", "Han-sur-Lesse, wooded slope above the river", 50.1256, 5.1871),
    ("Germany", "Thuringia", "Jena, limestone hill near Kunitz", 50.9534, 11.6353),
    ("France", "Jura", "Les Rousses, peat bog by the lake", 46.4912, 6.0783),
    ("Sweden", "Uppland", "Dalby, meadow at the edge of the forest", 59.7365, 17.5021),
    ("Portugal", "Braga", "Terras de Bouro, oak wood along the stream", 41.7361, -8.2214),
    ("United Kingdom", "Gloucestershire", "Painswick, beech hanger on the scarp", 51.7962, -2.1894),
)
HABITATS = ("mixed wood on loam", "dry calcareous grassland", "damp ditch, common", "rocky slope, in half shade", "old hedge")
PEOPLE = ("A. Verhoeven", "M. Lindqvist", "J. Castellane", "E. Hartmann", "R. Oakley", "C. Monteiro", "T. Brisbois")


def plausible(random: Generator, number: int) -> dict[str, str]:
    """One record under Darwin Core's names, for the sheet of that number."""
    name, family = TAXA[number % len(TAXA)]
    country, province, locality, latitude, longitude = PLACES[random.integers(len(PLACES))]
    year = int(random.integers(1886, 1994))
    catalog_number = f"LT{100_000 + 37 * number + int(random.integers(37)):08d}"
    return {
        "file": f"{catalog_number}.jpg",
        "catalogNumber": catalog_number,
        "institutionCode": "LT",
        "collectionCode": "Synthetic",
        "basisOfRecord": "PreservedSpecimen",
        "scientificName": name,
        "family": family,
        "genus": name.split()[0],
        "country": country,
        "stateProvince": province,
        "locality": locality,
        "decimalLatitude": f"{latitude + random.normal(0, 0.02):.4f}",
        "decimalLongitude": f"{longitude + random.normal(0, 0.02):.4f}",
        "habitat": str(random.choice(HABITATS)),
        "recordedBy": str(random.choice(PEOPLE)),
        "recordNumber": str(random.integers(12, 4800)),
        "eventDate": f"{year}-{random.integers(5, 10):02d}-{random.integers(1, 29):02d}",
        "identifiedBy": str(random.choice(PEOPLE)),
        "dateIdentified": str(min(year + int(random.integers(1, 40)), 2020)),
        "license": "https://creativecommons.org/publicdomain/zero/1.0/",
        "rightsHolder": "Nobody: this sheet was drawn by a program",
    }
