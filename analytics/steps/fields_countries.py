"""Countries, and states and provinces of some, by the names that labels use, in several languages and of former times."""

from collections.abc import Mapping

# English name of today: other names that labels have for it. States that fell apart are left out, as they are of no one country.
_COUNTRIES = {
    "Afghanistan": "", "Albania": "Albanien Albanie", "Algeria": "Algerien Algérie Argelia", "Angola": "",
    "Argentina": "Argentinien Argentine",
    "Armenia": "Armenien", "Australia": "Australien Australie", "Austria": "Österreich Autriche Oostenrijk Österrike",
    "Azerbaijan": "",
    "Bangladesh": "", "Belarus": "", "Belgium": "Belgique België Belgien Bélgica", "Belize": "", "Benin": "Bénin", "Bhutan": "",
    "Bolivia": "Bolivien Bolivie",
    "Bosnia and Herzegovina": "Bosnien", "Botswana": "", "Brazil": "Brasil Brasilien Brésil Brasilia Brasilië",
    "Bulgaria": "Bulgarien Bulgarie",
    "Burkina Faso": "", "Burundi": "", "Cambodia": "Kambodscha Cambodge", "Cameroon": "Kamerun Cameroun Camerún Cameroons",
    "Canada": "Kanada Canadá",
    "Central African Republic": "", "Chad": "Tchad", "Chile": "Chili", "China": "Chine Kina", "Colombia": "Kolumbien Colombie",
    "Costa Rica": "",
    "Croatia": "Kroatien Croatie", "Cuba": "Kuba", "Cyprus": "Zypern Chypre", "Czech Republic": "Tschechien Czechia",
    "Denmark": "Dänemark Danmark Danemark Denemarken Dinamarca",
    "Democratic Republic of the Congo": "Zaïre Zaire", "Dominican Republic": "", "Ecuador": "Équateur Ekuador Equador",
    "Egypt": "Ägypten Égypte Egypte Egipto",
    "El Salvador": "", "Estonia": "Estland Eesti Estonie", "Ethiopia": "Äthiopien Éthiopie Abyssinia Abessinien",
    "Fiji": "Fidji", "Finland": "Finnland Suomi Finlande",
    "France": "Frankreich Frankrijk Francia Frankrike Gallia", "French Guiana": "Guyane", "Gabon": "Gabun",
    "Georgia (country)": "", "Germany": "Deutschland Allemagne Duitsland Alemania Alemanha Tyskland Germania",
    "Ghana": "", "Greece": "Griechenland Grèce Griekenland Grecia Graecia Grekland Hellas", "Greenland": "Grönland Grønland",
    "Guatemala": "", "Guinea": "Guinée", "Guyana": "",
    "Haiti": "Haïti", "Honduras": "", "Hungary": "Ungarn Hongrie Hungaria", "Iceland": "Island-Iceland Islande",
    "India": "Indien Inde", "Indonesia": "Indonesien Indonésie Indonesië",
    "Iran": "Persia Persien", "Iraq": "Irak", "Ireland": "Irland Irlande Hibernia", "Israel": "",
    "Italy": "Italien Italie Italia Itália Italië", "Ivory Coast": "", "Jamaica": "Jamaika",
    "Japan": "Japon Nippon", "Jordan": "Jordanien", "Kazakhstan": "Kasachstan", "Kenya": "Kenia", "Laos": "",
    "Latvia": "Lettland Latvija", "Lebanon": "Libanon Liban",
    "Liberia": "", "Libya": "Libyen", "Lithuania": "Litauen", "Luxembourg": "Luxemburg", "Madagascar": "Madagaskar",
    "Malawi": "Nyasaland", "Malaysia": "Malaysien Malaisie",
    "Mali": "", "Malta": "", "Mauritania": "Mauritanie", "Mauritius": "Maurice", "Mexico": "México Mexiko Mexique",
    "Moldova": "", "Mongolia": "Mongolei Mongolie", "Montenegro": "",
    "Morocco": "Marokko Maroc Marruecos", "Mozambique": "Mosambik Moçambique", "Myanmar": "Burma Birma", "Namibia": "",
    "Nepal": "Népal", "Netherlands": "Niederlande Nederland Pays-Bas Holland Países-Bajos",
    "New Caledonia": "Neukaledonien Nouvelle-Calédonie", "New Zealand": "Neuseeland Nouvelle-Zélande Nieuw-Zeeland",
    "Nicaragua": "", "Niger": "", "Nigeria": "", "North Macedonia": "",
    "Norway": "Norwegen Norge Norvège Noorwegen Norvegia", "Oman": "", "Pakistan": "", "Panama": "Panamá",
    "Papua New Guinea": "P.N.G. PNG", "Paraguay": "", "Peru": "Perú Pérou",
    "Philippines": "Philippinen Filipinas Filippinen", "Poland": "Polen Pologne Polonia Polska", "Portugal": "",
    "Puerto Rico": "", "Romania": "Rumänien Roumanie România",
    "Russia": "Russland Russie Rossia Rusland", "Rwanda": "", "Saudi Arabia": "", "Senegal": "Sénégal", "Serbia": "Serbien",
    "Seychelles": "Seychellen", "Sierra Leone": "", "Singapore": "",
    "Slovakia": "Slowakei", "Slovenia": "Slowenien", "Solomon Islands": "", "Somalia": "", "South Africa": "Südafrika",
    "South Korea": "", "Spain": "Spanien Espagne España Espanha Spanje Hispania",
    "Sri Lanka": "Ceylon", "Sudan": "Soudan", "Suriname": "Surinam", "Sweden": "Schweden Suède Sverige Zweden Suecia",
    "Switzerland": "Schweiz Suisse Svizzera Zwitserland Suiza Helvetia",
    "Syria": "Syrien Syrie", "Taiwan": "Formosa", "Tajikistan": "", "Tanzania": "Tansania Tanzanie",
    "Thailand": "Siam Thaïlande", "Togo": "", "Trinidad and Tobago": "Trinidad", "Tunisia": "Tunesien Tunisie",
    "Turkey": "Türkei Turquie Türkiye Turkije", "Turkmenistan": "", "Uganda": "Ouganda", "Ukraine": "",
    "United Arab Emirates": "",
    "United Kingdom": "England Scotland Wales Great-Britain Gt.-Britain U.K. Angleterre Großbritannien Schottland Écosse",
    "United States": "U.S.A. USA U.S. United-States-of-America États-Unis",
    "Uruguay": "", "Uzbekistan": "Usbekistan", "Venezuela": "Vénézuéla", "Vietnam": "Viet-Nam", "Yemen": "Jemen",
    "Zambia": "Sambia", "Zimbabwe": "Rhodesia",
}  # fmt: skip
_STATES = {
    "United States": """
        Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Hawaii Idaho Illinois Indiana Iowa Kansas
        Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi Missouri Montana Nebraska Nevada
        New-Hampshire New-Jersey New-Mexico New-York North-Carolina North-Dakota Ohio Oklahoma Oregon Pennsylvania Rhode-Island
        South-Carolina South-Dakota Tennessee Texas Utah Vermont Virginia West-Virginia Wisconsin Wyoming
    """,
    "Canada": """
        Alberta British-Columbia Manitoba New-Brunswick Newfoundland Nova-Scotia Ontario Québec Quebec Saskatchewan Yukon
    """,
    "Australia": """
        New-South-Wales N.S.W. Queensland South-Australia Tasmania Western-Australia Northern-Territory
        Australian-Capital-Territory
    """,
}
COUNTRIES: Mapping[str, str] = {
    other.replace("-", " ") if other not in ("Pays-Bas", "Nouvelle-Calédonie", "Nouvelle-Zélande", "Viet-Nam") else other: name
    for name, others in _COUNTRIES.items()
    if name != "Georgia (country)"
    for other in (name.replace(" ", "-"), *others.split())
}
STATES: Mapping[str, tuple[str, str]] = {
    name.replace("-", " "): (name.replace("-", " "), country) for country, names in _STATES.items() for name in names.split()
}
