"""The language of a label, by its small words and the words that labels have; nothing where they tell too little."""

import re
from collections.abc import Mapping

FEWEST = 2  # words of a language that a label must have, and more than of any other
_WORDS: Mapping[str, str] = {
    "en": "the of and with near along from side slope collected by presented county road river creek north south east west "
    "forest on growing common elev museum herbarium locality date january february march june july october december "
    "at miles",
    "de": "und der die das von bei am im an auf nahe aus mit des dem wald fundort sammler höhe gesammelt januar februar "
    "märz mai juni juli oktober dezember umgebung ufer sammlung für",
    "fr": "et le la les du des de dans sur près avec au aux récolte récolté herbier forêt environs janvier février mars "
    "avril mai juin juillet août septembre octobre novembre décembre bord chemin",
    "la": "in ad et prope inter ex leg det legit determinavit plantae herbarium locis silva montis insula januarii "
    "februarii martii aprilis maii junii julii augusti septembris octobris novembris decembris typus",
    "es": "el la los las de del en con cerca por y río camino entre enero febrero marzo abril mayo junio julio agosto "
    "septiembre octubre noviembre diciembre colector localidad provincia bosque",
    "pt": "o a os as do da dos das em no na com perto por e rio estrada entre janeiro fevereiro março abril maio junho "
    "julho agosto setembro outubro novembro dezembro coletor localidade mata município",
    "sv": "och i på vid med av för från socken skog sjö januari februari mars april maj juni juli augusti oktober lokal "
    "fyndort nära",
    "nl": "en het de van bij op aan met langs bos januari februari maart april mei juni juli augustus oktober vindplaats "
    "verzameld door nabij gemeente",
}  # fmt: skip
WORDS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
SHARED = frozenset(word for word in frozenset.union(*WORDS.values()) if sum(word in words for words in WORDS.values()) > 1)


def language_of(text: str) -> str:
    """A language tag (BCP 47), or nothing. A word that several of the languages have counts half."""
    found = re.findall(r"[^\W\d_]+", text.casefold())
    scores = {
        language: sum(0.5 if word in SHARED else 1.0 for word in found if word in words) for language, words in WORDS.items()
    }
    first, second = sorted(scores, key=lambda language: -scores[language])[:2]
    return first if scores[first] >= FEWEST and scores[first] >= 1.5 * scores[second] else ""
