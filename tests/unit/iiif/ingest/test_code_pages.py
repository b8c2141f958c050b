"""Tables of Central Europe and Turkey that declare no encoding are read by the letters of their languages, and those of the West
stay what they were. Collectors and places are real ones; none of them is among the words that the languages are known by."""

from pathlib import Path

import pytest

from iiif.ingest.guessing import best_single, doubt, guessed
from iiif.ingest.languages import WORDS
from iiif.ingest.model import Place
from iiif.ingest.text_lines import form_of, lines_of

CZECH = (
    "Karel Domin, Praha: Barrandov, skály nad Vltavou",
    "Josef Dostál, Křivoklát, Skryje",
    "Pavel Sillinger, Nízké Tatry",
    "Rohlena J., Jevíčko, pastviny",
    "Čelakovský L. J., Karlštejn, Koněprusy",
    "František Nábělek, Kobylí",
    "Rudolf Rohrer, Hustopeče, Pouzdřany",
    "Jan Šmarda, Tišnov, Květnice",
    "Smejkal, Moravský Krumlov, Řeznovice, suchá stráň",
    "Deyl M., Průhonice, zámecký park",
)
SLOVAK = (
    "Rochel, Rovné",
    "Ján Futák, Súľov, skalné steny",
    "Domin & Krajina, Belianske Tatry, Ždiar",
    "Ptačovský, Kobyla, Devínska",
)
POLISH = (
    "Rostafiński, Międzyrzec",
    "Motyka, Czarnohora",
    "Trąmpczyński, Jasło",
    "Szubert M., Bielany, Łazienki",
    "Gąsienica, Świdnica",
)
HUNGARIAN = (
    "Kitaibel Pál, Mátraszőlős",
    "Sadler József, Budapest, Gellérthegy, Sváb-hegy sziklái",
    "Haynald Lajos, Kalocsa",
    "Boros Ádám, Vértes: Csákvár, Haraszt-hegy",
    "Zólyomi Bálint, Bükkszentkereszt, Hollóstető",
    "Simon Tibor, Bátorliget, Fényi-erdő",
    "Soó Rezső, Hajdúbagos, homoki gyepű",
    "Jeanplong J., Szentgotthárd, Rábafüzes, kaszálórét",
    "Pócs Tamás, Csákberény, Tőkés",
    "Felföldy L., Tihany, Külső-tó",
)
TURKISH = (
    "Hikmet Birand, Ankara: Beynam Ormanı, açıklık",
    "Turhan Baytop, Bolkar Dağları, Maden köyü üstü",
    "Asuman Baytop, Belgrad Ormanı, Bahçeköy",
    "Yurdakulol, Palandöken, taşlık yamaçlar",
    "Peşmen H., Çamlıbel geçidi",
    "Hüseyin Sümbül, Termessos, Güllük Dağı",
    "Ekrem Sezik, Köyceğiz, Ağla yaylası",
    "Tuna Ekim, Kızılcahamam, Soğuksu Milli Parkı",
)
EASTERN = [
    ("cp1250", CZECH), ("iso8859-2", CZECH), ("cp1250", SLOVAK), ("iso8859-2", SLOVAK), ("cp1250", POLISH), ("iso8859-2", POLISH),
    ("cp1250", HUNGARIAN), ("iso8859-2", HUNGARIAN), ("cp1254", TURKISH),
]  # fmt: skip
EVERY = ("cp1250", "iso8859-2", "cp1254")
WESTERN = {
    "French": "Abbé Coste, Saint-Paul-des-Fonts, près de Millau; Gaston Bonnier, Fontainebleau, forêt; Rouy, Vallée d'Ossau; "
    "Lamarck, Arrière-pays; Père Delavay, Hérault: bords du Lez, prés humides; Le Jolis, Cherbourg, grèves; Reüter, Salève; "
    "Brisebarre, Aÿ; Lespinasse, Sèvres, coteaux boisés, 5 août; Crouan frères, rade de Brest, à marée basse; Dûbois, Brûlé",
    "German": "Schlechtendal, Halle; Döll, Karlsruhe, Hardtwald; Süßenguth, Würm; Ascherson & Gräbner, Spandau: Südufer; "
    "Höppner, Krefeld, Hülser Bruch; Bornmüller, Weimar, Steinbrüche; Kükenthal, Großheirath; Lüderitz, Ägypten",
    "Spanish": "Cavanilles, Albufera; Pau y Español, Segorbe, Peñagolosa; Sennen, Castellón; Lagasca, Guadalajara: Peñalver; "
    "Ruiz & Pavón, Huánuco; Cuatrecasas, Buñuel; Rivas Goday, Guadarrama, Piñares; Muñoz Garmendia, León, Riaño",
    "Portuguese": "Brotero, Choupal; Welwitsch, Benguela; Mariz, Trás-os-Montes: Mogadouro; Palhinha, Açores, São Miguel; "
    "Póvoa dos Reis, Serra de Monchique; Franco & Rocha Afonso, Alcobaça, Ericeira; Brandão, Lousã, Penhas; Gamões, Marvões",
    "Danish": "Børgesen, Frederikshavn; Hornemann, Møgeltønder; Vahl, Ærøskøbing; Lange, Lolland, Ørslev; Schjøtz, Kværnø; "
    "Dyring, Holmestrand, Sørlandet; Blytt, Dovre, Kongsvold; Rønning, Ålen, Røa",
    "Swedish": "Hartman, Gävle; Lönnroth, Kalmar län, Böda; Wahlenberg, Jukkasjärvi; Nordstedt, Räpplinge, Ängö; Murbeck, Åhus",
    "Icelandic": "Steindórsson, Þverá, Hörgárdalur; Óskarsson, Arnarfjörður, Hvítá; Davíðsson, Möðruvellir; Grönvold, Ýdalir",
    "Estonian": "Vaga, Käina, Hiiu, lõpus; Eichwald, Rõngu mõis; Üksip, Kõpu, Lõhavere; Trass, Võhandu",
    "Italian": "Fiori, Vallombrosa, più in alto; Pampanini, Forlì; Caruel, località Lì; Béguinot, Lipari, Cefalù, metà",
    "Dutch": "Vuyck, Leiden, zeeën; Koorders, Oost-Java, coëfficiënt; Wachter, België: Knokke",
    "Catalan": "Bolòs, Olot; Font i Quer, Montserrat, plaça; Sennen, l'Empordà, país dels Pirineus; Cadevall, Terrassa, això",
}  # fmt: skip


def table(lines: tuple[str, ...] | str) -> str:
    rows = lines if isinstance(lines, tuple) else tuple(lines.split("; "))
    return "catalogNumber,locality\n" + "".join(f'{number},"{row}"\n' for number, row in enumerate(rows, 1))


@pytest.mark.parametrize(("encoding", "lines"), EASTERN)
def test_a_table_of_central_europe_or_turkey_is_read_by_the_letters_of_its_language(
    tmp_path: Path, encoding: str, lines: tuple[str, ...]
) -> None:
    (tmp_path / "t.csv").write_bytes(table(lines).encode(encoding))
    form = form_of(tmp_path / "t.csv")
    assert "".join(line.text for line in lines_of(tmp_path / "t.csv", form)) == table(lines)
    (issue,) = form.issues
    assert (issue.code, issue.severity) == ("wrong-encoding", "warning")
    assert issue.value in EVERY, "one of those in which it is the same text"
    assert issue.place is not None
    first = next(number for number, line in enumerate(table(lines).splitlines(), 1) if not line.isascii())
    assert issue.place == Place("t.csv", first)


@pytest.mark.parametrize(("encoding", "lines"), EASTERN)
def test_a_single_row_of_them_is_mostly_enough_and_the_report_asks_otherwise(encoding: str, lines: tuple[str, ...]) -> None:
    said = [line for line in lines if line.encode(encoding) != line.encode("cp1252", "replace")]
    read = {line: guessed(line.encode(encoding)) for line in said}
    wrong = {line: name for line, name in read.items() if line.encode(encoding).decode(name) != line}
    assert len(wrong) * 2 <= len(said), wrong
    for line, name in wrong.items():
        assert name not in EVERY or doubt(line.encode(encoding), name) is not None, (line, name)


@pytest.mark.parametrize("language", WESTERN)
def test_a_table_of_the_west_stays_what_it_was(language: str) -> None:
    text = table(WESTERN[language])
    assert text.encode("cp1252").decode(guessed(text.encode("cp1252"))) == text
    for encoding in ("mac_roman", "cp850"):
        data = text.encode(encoding, "ignore")
        assert guessed(data) == best_single(data)


@pytest.mark.parametrize("language", WESTERN)
def test_a_single_row_of_the_west_stays_what_it_was(language: str) -> None:
    for row in WESTERN[language].split("; "):
        data = row.encode("cp1252")
        assert guessed(data) == best_single(data)


def test_one_foreign_name_does_not_move_a_table_and_one_sign_does_not() -> None:
    for name in ("Bezděk", "Szőke", "Tığ"):
        for encoding in ("cp1250", "cp1254"):
            strange = name.encode(encoding, "ignore")
            data = table(WESTERN["French"]).encode("cp1252") + b"99," + strange + b"\n"
            assert guessed(data) == "cp1252", name


def test_none_of_the_names_is_known_beforehand() -> None:
    known = {word for words in WORDS.values() for word in words.split()}
    lines = " ".join(line for _, some in EASTERN for line in some)
    marked = {word.strip(",.:;").lower() for word in lines.split() if not word.isascii()}
    assert len(marked & known) * 5 <= len(marked), sorted(marked & known)


def test_where_the_letters_hardly_tell_the_report_asks_by_line_and_word(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes('catalogNumber,locality\n1,Tihany\n2,"Felföldy L., Tihany, Külső-tó"\n'.encode("cp1250"))
    (issue,) = form_of(tmp_path / "t.csv").issues
    assert issue.place == Place("t.csv", 3)
    assert "from line 3, where cp1250 is about as likely: if 'Külsõ' should be 'Külső', declare that" in issue.sentence
    for text in (table(WESTERN["French"]), table(WESTERN["Portuguese"]), table(WESTERN["Danish"])):
        (tmp_path / "t.csv").write_bytes(text.encode("cp1252"))
        (issue,) = form_of(tmp_path / "t.csv").issues
        assert "check that its letters are right" in issue.sentence, issue.sentence
