"""How likely a word is in languages that are written with Latin letters and marks: by the pairs of letters that occur in them.

The pairs come from the names of people and places and the words of labels below, which are no test of it (they are others).
Only differences between readings of the same bytes are told from it, for which this little is enough.
"""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

WORDS: Mapping[str, str] = {
    "cs": "české československo sbírka herbář muzeum národní příroda přírodní louka březen červen červenec září říjen "
    "květen únor řeka hora skála údolí nádraží háj stráň svah žďár třeboň příbram děčín ústí labem liberec jičín "
    "náchod česká třebová řím kroměříž uherské hradiště znojmo třebíč jihlava žatec mělník poděbrady pardubice "
    "chrudim litomyšl svitavy šumperk jeseník břeclav mikulov hodonín kyjov rožnov valašské meziříčí nový opava těšín "
    "štramberk lašťovička šťastný bělohrad černý dvořáček říha řezníček šimek šafařík hájek jiří jaroslav václav "
    "zdeněk ondřej tomáš lukáš matěj vojtěch bedřich kučera procházka veselý horák němec marek pospíšil hladký křížek "
    "kříž růžička růže souček sýkora důl dům kůra vůz hůrka rybník mokřad vřesoviště bělá černá horní dolní mezi nad "
    "pod blízko směrem obec les výška leg det určil opiz presl klášter klášterský domin podpěra hadač dostál šourek "
    "smejkal soják novotný žižka želiv žižkov světlá ředhošť ňadra koňský",
    "sk": "slovensko slovenské múzeum zbierka herbár banská bystrica žilina prešov košice nitra trnava trenčín poprad "
    "levoča spiš bardejov ľubovňa ľubica piešťany liptovský mikuláš dolný kubín ružomberok čadca martin žiar hronom "
    "krupina štiavnica vrútky tatry vysoké nízke fatra malá veľká veľký ďumbier kriváň dolina lúka vápenec skala lúky "
    "pôda kôň stôl ľudovít štefan ján ľubomír ľuboš ondrej juraj michal kováč horváth baláž ďurica šťavnica hlavačová "
    "májovský jasičová futák dostál bertová nová záhorie devín svätý jur pezinok modra dunajská streda komárno "
    "štúrovo september júl jún marec apríl máj zbieral určil lôžko",
    "pl": "polska polskie zielnik muzeum przyroda rzeka góra łąka las puszcza białowieża białystok warszawa kraków łódź "
    "wrocław poznań gdańsk gdynia szczecin toruń częstochowa zielona rzeszów przemyśl nowy sącz tarnów chełm zamość "
    "łomża suwałki ełk giżycko mrągowo olsztyn elbląg słupsk koszalin świnoujście jelenia wałbrzych kłodzko opole "
    "śląsk śląskie małopolska wyżyna pieniny bieszczady tatry zakopane karpaty świętokrzyskie józef stanisław "
    "władysław bolesław kazimierz jan andrzej michał paweł żmuda szafer pawłowski kulczyński wóycicki kościński "
    "dąbrowski wiśniewski zieliński szymański woźniak kozłowski jabłoński wójcik król piąty między około pod nad "
    "brzeg źródło wrzesień październik styczeń kwiecień czerwiec gęś ręka dąb zebrał oznaczył głęboki ćwiklińska "
    "ślęża żywiec leśny dłużyna",
    "hu": "magyarország magyar természettudományi múzeum növénytár gyűjtemény gyűjtötte erdő mező hegység hegy völgy folyó "
    "patak győr sopron kőszeg szombathely zalaegerszeg nagykanizsa keszthely veszprém székesfehérvár dunaújváros pécs "
    "kaposvár szekszárd kecskemét kiskunfélegyháza kőrös nagykőrös szeged hódmezővásárhely békéscsaba debrecen "
    "nyíregyháza miskolc eger gyöngyös hatvan szolnok esztergom vác tatabánya mátra bükk bakony mecsek zemplén tőzeg "
    "rétek őrség őr fenyő szőlő tölgy kő kút mű fű fűz füzes gyűrű sűrű hűvös tűz szűcs szűts gyula jános istván "
    "lászló györgy zoltán sándor ferenc józsef károly jenő dezső ernő ágoston gergő pető fekete szőke kőszegi erdős "
    "győrffy soó borbás simonkai degen jávorka kárpáti pénzes máthé felső alsó fölött mellett között után előtt "
    "november október szeptember július június ősz tél nyár legyűjtő őszi újpest köves időszak első nőszirom vörös "
    "zöld kovács tóth szabó horváth varga kiss molnár németh balogh lőrinc bőr",
    "ro": "românia muzeul național botanică grădina ierbar munții munte pădure pădurea râu valea vârful câmpie câmpulung "
    "cluj iași bucurești brașov timișoara constanța galați ploiești craiova oradea bacău pitești arad sibiu târgu "
    "mureș baia mare buzău satu botoșani râmnicu vâlcea suceava piatra neamț focșani tulcea reșița alba iulia "
    "hunedoara bârlad făgăraș mărginimea ştefan ion gheorghe țopa borza nyárády prodan buia păun săvulescu țara "
    "județul între lângă oraşul iaşi bucureşti braşov ţara constanţa galaţi piteşti băile sărat fântâna înalt "
    "noiembrie septembrie colecția colecţia şes ţesut mâine",
    "hr": "hrvatska zagreb split rijeka zadar šibenik dubrovnik osijek karlovac čakovec varaždin križevci đakovo požega "
    "slavonski brod velebit učka gorski kotar plješevica srđ pelješac korčula mljet brač hvar šolta čiovo žumberak "
    "samoborsko gorje slovenija ljubljana maribor celje kranj škofja loka tržič jesenice bohinj triglav savinjske "
    "alpe kamniške kočevje črnomelj žužemberk novo mesto idrija tolmin vipava šmarna gora đurđevac radić horvatić "
    "hirc rossi schlosser vukotinović župančič žiga krašovec petrović đorđe jovanović pančić košanin niš kragujevac "
    "užice čačak šabac požarevac ćuprija ćosić polje brdo šuma između kod",
    "tr": "türkiye türk müzesi üniversitesi bahçesi ankara istanbul izmir antalya muğla bursa eskişehir kütahya uşak afyon "
    "ısparta burdur denizli aydın manisa balıkesir çanakkale tekirdağ kırklareli edirne kocaeli bolu düzce zonguldak "
    "kastamonu çankırı kırşehir nevşehir niğde kayseri sivas tokat amasya çorum samsun sinop ordu giresun gümüşhane "
    "trabzon rize artvin ağrı ığdır kars erzurum erzincan tunceli bingöl muş bitlis siirt şırnak hakkari diyarbakır "
    "şanlıurfa adıyaman malatya elazığ maraş gaziantep hatay adana mersin karaman konya aksaray dağı dağ dağları köyü "
    "köy gölü göl çayı ırmağı yaylası orman ormanı boğazı kalesi kıyı kayalık yamaç güney kuzey doğu batı taşlı açık "
    "arası yolu şekil yıldız yılmaz öztürk çelik şahin özdemir doğan kılıç aslan çetin kara koç kurt özkan şimşek "
    "ışık tuğ baytop birand başak ekim duman güner yıldırım ağustos eylül kasım aralık şubat mayıs toplayan sığır "
    "oğlu oğlak bağ bağı çığ ığne ıslak",
    "fr": "france français herbier muséum musée forêt forêts rivière fleuve montagne vallée près entre après hérault "
    "ardèche drôme isère savoie haute rhône finistère côtes côte nièvre lozère corrèze vendée sèvres genève zürich "
    "neuchâtel liège première récolté déterminé élevé été février août décembre frère père mère hélène françois "
    "françoise hervé étienne éric rené joël noël anaïs loïc citroën île îles îlot hôtel hôpital château châtaignier "
    "bois prés pré marais étang fossé rochers calcaires sommet lès saint sainte à où déjà là même être fête tête "
    "chêne hêtre frêne crête arête pêche bruyère fougère lumière pierre dès très accès procès succès règne célèbre "
    "leçon façade garçon reçu maïs coïncidence ambiguë canoë sœur cœur œuvre bœuf évêque évêché rôle pôle contrôle "
    "sûr mûr mûrier goût coût fût brûlé ménage général sénégal guyane algérie guinée société génie âge âme câble "
    "gâteau théâtre maître naître fraîche lavandière clairière lisière",
    "de": "österreich schweiz münchen köln nürnberg würzburg göttingen tübingen düsseldorf lübeck thüringen württemberg "
    "fränkische schwäbische alb böhmen mähren straße groß größe weiß fuß nördlich südlich östlich westlich über für "
    "unter zwischen höhe höhenzug gebüsch wälder wald wiese hügel brücke schlüssel mühle mühlbach grün grünau "
    "schönbrunn müller schröder jäger köhler bäcker schäfer krüger böhm fröhlich strauß großmann jürgen günther käthe "
    "jörg bär könig märz september oktober gefäß sammlung botanischer garten gehölz öde moor ufer böschung gärten "
    "äcker felder hänge täler flüsse übersee südafrika grönland",
    "es": "españa español cataluña coruña logroño peñas peña peñón cañada cañón montaña montañas año años niño señor muñoz "
    "núñez ibáñez yáñez ordóñez zúñiga castaño otoño pequeño andalucía málaga córdoba jaén almería cádiz león aragón "
    "gijón avilés cáceres méxico perú bogotá medellín josé maría jesús ángel martínez gonzález rodríguez hernández "
    "pérez sánchez garcía lópez gómez jiménez díaz río árbol también jardín botánico colección estación región "
    "público güell argüelles pingüe cigüeña camino entre junto cerca ladera encinar viñas viña piña cabaña baños "
    "bañeza ñandú araña leña señal",
    "pt": "portugal português são joão conceição sebastião estação região coleção colecção vegetação associação serra marão "
    "brasil goiás pará amapá maranhão ceará piauí paraná paulo rio grande ribeirão ubatão guimarães magalhães simões "
    "camões leões pinhões regiões limões montes sertões corações mães cães pães alemães irmã irmãos manhã amanhã lã "
    "romã maçã gonçalves gonçalo lourenço praça açores caça março bragança évora setúbal gerês buçaco sintra três "
    "ângela pêssego várzea água águas além até após você órgão óbidos ferrão capão pantanal chapada capitão sertão "
    "grão coutinho põe põem",
    "it": "italia città università però perché così più già lunedì martedì venerdì forlì cantù virtù gesù libertà società "
    "qualità metà valle d'aosta è cioè caffè lassù laggiù ciò può parlò mondovì cefalù nicolò niccolò san salò cantò "
    "portò scoprì fornì trovò raccolto determinò località monte lago torre sarà sarò farò dà là lì sì né",
    "da": "danmark københavn århus ålborg helsingør sjælland fyn jylland læsø ærø samsø bornholm rønne møn møns skagen "
    "sønderjylland tønder åbenrå grønland færøerne norge tromsø bodø ålesund stavanger bærum øst vest nord sør sø "
    "søen bjørn jørgen søren kjær rasmussen mæhre østergård nørgård grønning bøgh sørensen jørgensen ø å øy øya fjæra "
    "ås åsen skjær trær bærer hærland ærlig først større høyde høst mølle bækken kløver fjord fjorden grønne røde små "
    "blå gård gården århundrede vår våren råd håkon pålsson måløy røros lofoten vesterålen ytterøy hitra frøya smøla "
    "kristiansand tørr tørke brød møller nær nærheden væg ørsted ørslev haslev hørsholm birkerød hillerød rødby "
    "sønderborg tørring løgstør hjørring brønderslev ølgod ølstykke ørum lundby tåstrup",
    "sv": "sverige göteborg malmö linköping örebro västerås norrköping jönköping umeå luleå piteå skellefteå ångermanland "
    "åland öland småland skåne västergötland östergötland södermanland värmland gästrikland hälsingland härjedalen "
    "jämtland björk åkesson sjö sjön sjöström lindström nyström åberg öberg öst väst norr söder från på är när där "
    "också större höjd håll gård helsinki hämeenlinna jyväskylä kajaani oulu pyhäjärvi järvi mäki mäkinen hämäläinen "
    "virtanen kyrö lehtimäki särkkä päivä",
    "is": "ísland reykjavík akureyri þingvellir þórsmörk þjórsá þór þórður þóra þórarinn sigurður guðmundur guðrún ólafur "
    "davíð friðrik ásgeir eyþór norður suður austur vestur staður fjörður ísafjörður seyðisfjörður hafnarfjörður "
    "borgarfjörður við með það þetta þegar blöð jörð tjörn fjöður gæði ræður hæð hæðir mýri mýrar týr nýr sýsla "
    "þingeyjarsýsla múlasýsla höfði eyðibýli grösug gróður steindór helgi ágúst stefán úlfur ýsa garður hlíð hlíðar "
    "bær staðir egilsstaðir",
    "et": "eesti tallinn tartu võru põlva põltsamaa jõgeva jõhvi jõgi jõe viljandi pärnu haapsalu kärdla hiiumaa saaremaa "
    "kuressaare mõisa mõis küla põld põhja lõuna õhtu õpik sõber kõrge kõrb võsu võhma nõmme nõo tõrva tõstamaa mõõk "
    "põõsas ööbik mägi mäe järve järv rõuge rõngu metsküla õunapuu õisu käsmu",
    "nl": "nederland belgië ruïne coördinaten zeeën ideeën categorieën geïnd brussel antwerpen gent één vóór óók reünie "
    "drieëntwintig patiënt oriënt italië spanje australië indonesië java sumatra kolonie heide duinen noord zuid "
    "financiën industrieën efficiënt",
    "ca": "catalunya barcelona lleida montseny núria àger àrea ràpid així país països raïm veïna cançó plaça façana açò "
    "dolça llençol riera torrent muntanya serra coll puig sòl pròxim pròpia història església valència xàtiva cabrè "
    "més també després cafè vint terrassa vallès penedès empordà gavà sabadell arbúcies fòrum paísos bòbila òpera",
    "en": "the and near from herbarium collection museum station road river lake forest hill mountain north south east west "
    "naïve café façade brontë cliché röntgen smörgåsbord señor",
}
BY_ENCODING: Mapping[str, tuple[str, ...]] = {
    "cp1252": ("fr", "de", "es", "pt", "it", "da", "sv", "is", "et", "nl", "ca", "en"),
    "cp1250": ("cs", "sk", "pl", "hu", "ro", "hr", "de", "en"),
    "iso8859-2": ("cs", "sk", "pl", "hu", "ro", "hr", "de", "en"),
    "cp1254": ("tr", "fr", "de", "es", "it", "en"),
}
EDGE = " "
SIGNS = "ºª°²³¹¼½¾£§®©±µ«»“”„’‘–—…¿¡·×"  # what stands beside words
OPENING = "«“„‘¿¡"
AT_EDGE = math.log(0.02)
PRIOR = 3.0  # pairs: how much single letters count where a pair is rare
PLAIN = 0.3  # how much pairs without marks count, which also differ from one list of words to the next
STRANGE = math.log(1e-6)  # a letter that the language has not, or a sign between letters
NO_TEXT = math.log(1e-12)  # a control character, or what stands for none
FOREIGN = 3.0  # by so much (a logarithm) a word of another language is less likely
MISPLACED = math.log(1e-3)  # a capital behind a small letter


@dataclass(frozen=True, slots=True)
class Language:
    """Counts of pairs, of letters that begin them, and of letters."""

    pairs: Counter[str]
    begun: Counter[str]
    letters: Counter[str]

    def likelihood(self, word: str) -> float:
        """The logarithm of how likely the word is."""
        bound, total = f"{EDGE}{word.lower()}{EDGE}", sum(self.letters.values())
        found = 0.0
        for before, char, after in zip(bound, bound[1:], bound[2:] + EDGE, strict=False):
            if (char in SIGNS and after == EDGE) or (char in OPENING and before == EDGE):
                found += AT_EDGE
                continue
            if char not in self.letters and not (char.isascii() and char.isalpha()):
                found += NO_TEXT if "\x80" <= char <= "\x9f" or char == "\ufffd" else STRANGE
                continue
            single = (self.letters[char] + 0.3) / (total + 0.3 * len(self.letters))
            weight = PLAIN if before.isascii() and char.isascii() else 1.0
            found += weight * math.log((self.pairs[before + char] + PRIOR * single) / (self.begun[before] + PRIOR))
        return found


def likelihoods(words: Sequence[str], encoding: str) -> list[float]:
    """The logarithm of how likely each is in a text of that encoding: in the language that most of them are in, or with less
    trust in another that is written so."""
    by_language = [[language(name).likelihood(word) for word in words] for name in BY_ENCODING[encoding]]
    if not words:
        return []
    main = max(by_language, key=sum)
    capitals = [sum(char.isupper() and before.islower() for before, char in itertools.pairwise(word)) for word in words]
    best = map(max, zip(*by_language, strict=True))
    return [
        max(in_main, in_best - FOREIGN) + number * MISPLACED
        for in_main, in_best, number in zip(main, best, capitals, strict=True)
    ]


@cache
def language(name: str) -> Language:
    pairs: Counter[str] = Counter()
    for word in WORDS[name].lower().replace("'", " ").split():
        bound = f"{EDGE}{word}{EDGE}"
        pairs.update(before + char for before, char in itertools.pairwise(bound))
    begun: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for pair, number in pairs.items():
        begun[pair[0]] += number
        letters[pair[1]] += number
    return Language(pairs, begun, letters)
