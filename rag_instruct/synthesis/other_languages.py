# ruff: noqa: RUF001 - letters of other languages
"""The wording that `wording` looks for, in other languages than English.

A language's mention of a text must not say which text it is: "según el artículo 12" and "laut dem Text des Liedes" do.
"""

import re

from rag_instruct.words import word_set

DE = r"(?:text|dokument|artikel|abschnitt|auszug|kontext)(?:s|e|en)?"
DE_GIVEN = r"(?:obige|vorliegende|gegebene|bereitgestellte|angegebene|vorstehende|mitgelieferte|vorgelegte)[nrsm]?"
FR = r"(?:textes?|documents?|passages?|articles?|extraits?|contexte)"
FR_GIVEN = r"(?:ci-dessus|ci-joint|fournis?|donnés?|proposés?|présentés?)"
ES = r"(?:textos?|documentos?|pasajes?|artículos?|fragmentos?|contexto)"
ES_GIVEN = r"(?:anterior|proporcionados?|dados?|facilitados?|de arriba)"
IT = r"(?:test[oi]|document[oi]|bran[oi]|articol[oi]|estratt[oi]|contesto)"
IT_GIVEN = r"(?:sopra|soprastante|sopracitato|riportat[oi]|fornit[oi]|dat[oi]|precedente)"
PT = r"(?:textos?|documentos?|trechos?|artigos?|passagem|contexto)"
PT_GIVEN = r"(?:acima|fornecidos?|apresentados?|dados?|anterior)"
NL = r"(?:tekst(?:en)?|document(?:en)?|passage|artikel|fragment)"
NL_GIVEN = r"(?:bovenstaande|gegeven|verstrekte|aangeleverde|meegeleverde)"
PL = r"(?:tek(?:st|ście)|dokumen(?:t|cie)|artykuł|artykule|fragmen(?:t|cie))(?:u|em|ów|ami|y)?"
PL_GIVEN = r"(?:powyższ|podan|dostarczon|przedstawion|załączon)\w+"
RU = r"(?:текст|документ|отрыв[ко]к?|фрагмент|контекст)(?:у|е|а|ам|ах|ом|ами|ы|ов)?"
RU_GIVEN = r"(?:данн|приведенн|приведённ|указанн|приложенн|предоставленн|представленн|вышеуказанн)\w+"
TR_GIVEN = r"(?:yukarıdaki|verilen|sağlanan)"
AR = r"(?:نص|نصوص|وثيقة|وثائق|مستند|مستندات|مقال|مقالة|فقرة|سياق)"
AR_GIVEN = r"(?:المرفق|المقدم|المذكور|المعطى|الوارد|التالي|السابق)\w*|أعلاه"
HI = r"(?:दस्तावेज़|दस्तावेज़|दस्तावेज|पाठ|लेख|गद्यांश)(?:ों)?"
ZH = "(?:文[章中本档檔]|短文|材料|段落|上下文)"
JA = "(?:本文|文章|文書|資料|記事|テキスト|ドキュメント|文中)"
KO = r"(?:문서|본문|지문|텍스트|글)"

# Not before what says which text it is: a number, a name, a quotation, "of" or "on"
UNNAMED = (
    r"(?! ?(?:\d|[\"\u201c\u201e\u00ab§(])| (?-i:[A-ZÀ-ÞА-Я])"
    r"| (?:de[lrsnm]?|du|des|von|vom|über|zu[mr]?|aus|d'|sur|par|sobre|por|di|della?|dell'|do|da|dos|das"
    r"|van|over|o|об?|из)\b"
    r"|[-'])"
)
ENDS = r"(?=\s*(?:[,.;:?!)]|$))"

MENTIONS = (
    rf"\b(?:laut|gemäß) (?:dem|diesem|den|diesen)(?: {DE_GIVEN})? {DE}\b{UNNAMED}",
    rf"\b(?:dem|diesem|den|diesen)(?: {DE_GIVEN})? {DE} zufolge\b",
    rf"\b{DE_GIVEN} {DE}\b{UNNAMED}",
    rf"\bim {DE} (?:erwähnt|genannt|angegeben|heißt es)",
    rf"\b(?:d'après|selon) (?:l[ea]s?|ces?|cet|l') ?{FR}\b{UNNAMED}",
    rf"\b(?:l[ea]s?|ces?|cet|du|au|l') ?{FR} {FR_GIVEN}",
    rf"\b(?:indiqu|mentionn|précis|soulign|expliqu)\w* (?:(?:dans|par) )?(?:le|ce|cet|l') ?{FR}\b{ENDS}",
    rf"\bdans (?:le|ce|cet|l') ?(?:texte|document|passage|extrait){ENDS}",
    rf"\b(?:según|de acuerdo con|conforme a) (?:el|los|este|estos) {ES}\b{UNNAMED}",
    rf"\b{ES} (?!dado que\b){ES_GIVEN}\b",
    rf"\b(?:mencion|indic|señal|describ|explic)\w+ en el {ES}{ENDS}",
    rf"\ben (?:el|este) (?:texto|documento|pasaje|fragmento){ENDS}",
    rf"\b(?:secondo|stando a|in base a) (?:il|lo|questo|l'|al) ?{IT}\b{UNNAMED}",
    rf"\b{IT} {IT_GIVEN}\b{UNNAMED}",
    rf"\b(?:menzionat|indicat|riportat|descritt)\w+ nel(?:l')? ?{IT}{ENDS}",
    rf"\bnel (?:testo|documento|brano){ENDS}",
    rf"\b(?:segundo|de acordo com|conforme) (?:o|os|este|esse) {PT}\b{UNNAMED}",
    rf"\b{PT} (?!dado que\b){PT_GIVEN}\b",
    rf"\b(?:menciona|indica|cita|descri)\w+ no {PT}{ENDS}",
    rf"\bno (?:texto|documento|trecho){ENDS}",
    rf"\b(?:volgens|op basis van) (?:de|het|deze|dit)(?: {NL_GIVEN})? {NL}\b{UNNAMED}",
    rf"\b(?:de|het) {NL_GIVEN} {NL}\b{UNNAMED}",
    rf"\b(?:genoemd|vermeld|beschreven) in (?:de|het) {NL}\b{UNNAMED}|\bin (?:de|het) tekst{ENDS}",
    rf"\b(?:według|zgodnie z)(?: tego| tym| {PL_GIVEN})? {PL}\b{UNNAMED}{ENDS}",
    rf"\b(?:według|zgodnie z) {PL} (?=ma|jest|był|była|było|to)\b",
    rf"\b(?:z|w|na podstawie) {PL_GIVEN} {PL}\b{UNNAMED}",
    rf"\b(?:согласно|судя по)(?: {RU_GIVEN}| этому)? {RU}\b{UNNAMED}",
    rf"\b(?:в|во|из|на основе|на основании) {RU_GIVEN} {RU}\b{UNNAMED}",
    rf"\bв {RU} (?:говорится|указано|упомянуто|сказано)\b|\b(?:указано|сказано|говорится|упомянуто) в {RU}{ENDS}",
    rf"(?<!\w)(?:(?:metne|belgeye|pasaja|parçaya) göre|{TR_GIVEN} (?:metin|metn|belge|pasaj|parça)\w*)(?!\w)",
    rf"(?:(?:بحسب|حسب) ال|(?:وفقا|وفقًا|طبقا|طبقًا|استنادا|استنادًا) (?:إلى ال"
    rf"|لل)){AR}(?!\w)(?= (?:{AR_GIVEN})|\s*[،.؟:]|$)",
    rf"(?:ال|لل){AR} (?:{AR_GIVEN})(?!\w)",
    rf"(?:^|[।.!?\n,]\s*|इस |गए |गये |उपरोक्त |उपर्युक्त ){HI} के अनुसार",
    rf"[据據照](?:所?(?:给出|提供|给定|给)的?|上述|以上|该|本|这[篇段份个])?{ZH}",
    "(?:所?提供|给定|所给)的(?:文[章本档]|短文|材料|资料|段落|上下文)",
    f"(?<!の){JA}によ(?:ると|れば)",
    f"(?:提供|与え)られた{JA}|提供された{JA}",
    rf"(?:^|[.!?\n,] ?|위 |이 |제공된 |주어진 |해당 ){KO}에 (?:따르면|의하면)",
)
# The nouns for a text, of which a mention has one
NOUN = re.compile(
    r"text|dokument|document|artikel|abschnitt|auszug|extrait|passage|articl|pasaje|artículo|fragment"
    r"|contexto|kontext|test[oi]\b"
    r"|bran[oi]\b|articol|estratt|trecho|artigo|passagem|tekst|tekś|artyk|текст|документ|отрыв|фрагмент"
    r"|metin|metn|belge|pasaj|parça"
    r"|نص|وثيقة|وثائق|مستند|مقال|فقرة|سياق|दस्तावेज|पाठ|लेख|गद्यांश|本文|文中|文章|文本|文档|文檔|短文|材料"
    r"|资料|段落|上下文|文書"
    r"|資料"
    r"|記事|テキスト|ドキュメント|문서|본문|지문|글",
    re.I,
)

REFUSALS = (
    rf"\b(?:das|die|der|dieser?|dieses)(?: {DE_GIVEN})? (?:text|dokumente?|auszug|auszüge) (?:enth[aä]lt\w*"
    rf"|nenn\w+|erwähn\w+"
    r"|geben|gibt|liefer\w+|mach\w+) (?:\w+ ){0,2}?(?:keine?n?|nicht|nichts)\b",
    r"\b(?:enth[aä]lt\w*|nennt|nennen|erwähn\w+|gibt|geben) (?:der|das|die|dieser?"
    r"|dieses)(?: \w+n)? (?:text|dokumente?)"
    r"(?: \w+){0,2}? (?:keine?n?|nicht|nichts)\b",
    rf"\b(?:les?|ces?|cet|l') ?{FR}(?: {FR_GIVEN})? n(?:e |')(?:mention|précis|contien|di[ts]|indiqu|fourni"
    rf"|donn|permet)\w*"
    r" (?:pas|aucune?|rien)\b",
    rf"\b(?:el|los|este|estos) {ES}(?: {ES_GIVEN})? no (?:lo )?(?:menciona|indica|contiene|especifica"
    rf"|proporciona|dice|ofrece)n?\b",
    rf"\b(?:il|i|questo|questi|l'|gli) ?{IT}(?: {IT_GIVEN})? non (?:lo )?(?:menzion|indic|contien|contengo"
    rf"|specific|fornisc|dic"
    r"|riport)\w*",
    rf"\b(?:os?|estes?) {PT}(?: {PT_GIVEN})? não (?:o )?(?:mencion|indic|contém|contêm|especific|fornec|diz"
    rf"|inform)\w*",
    rf"\b(?:de|het|dit|deze)(?: {NL_GIVEN})? {NL} (?:bevat\w*|vermeld\w*|noem\w*|geeft|geven"
    rf"|zegt) (?:\w+ )?(?:geen|niet|niets)\b",
    rf"\b(?:tekst|dokument|dokumenty|fragment)(?: {PL_GIVEN})? nie (?:zawiera|wspomina|podaj|mówi|określa)\w*",
    rf"\b(?:в|из) (?:{RU_GIVEN} |этом )?{RU} (?:об этом |этого )?(?:нет|не (?:содерж|указан|упомина"
    rf"|говорится|сказано|привод))",
    rf"\b(?:{RU_GIVEN} )?{RU} не (?:содерж|упомина|указыва)\w+",
    r"(?<!\w)(?:metin|belge|metinler|belgeler)(?:de|da)(?!\w)[^.]{0,60}?(?:bilgi (?:yok|bulunm|verilm)"
    r"|belirtilm|bahsedilm)",
    rf"(?:لا|لم) (?:[يت](?:حتوي|ذكر|رد|تضمن|وفر|شر))\w*[^.؟]{{0,25}}?ال{AR}",
    rf"{HI} में[^।]{{0,60}}?(?:जानकारी|उल्लेख|विवरण) नहीं",
    "(?:文[中章本档檔]|短文|材料|资料|上下文)[中里]?(?:并|也)?(?:没有|沒有|未)(?:提[到及供]|说明|包含"
    "|给出|相关|关于|任何)",
    f"{JA}[^。]{{0,20}}?(?:(?:記載|言及|含ま|書か)(?:さ?れて)いま?(?:せん|ない)|情報[はが](?:ありません|ない))",
    f"{KO}(?:에는|에서는|에|에서)[^.]{{0,40}}?(?:정보가 없|언급되(?:지|어 있지) 않|나와 있지 않"
    f"|포함되(?:지|어 있지) 않)",
)

# Questions that begin with a pronoun in place of what they ask about. Spanish, Italian and Portuguese leave it out.
POINTING = re.compile(
    # French
    r"^\W*(?:(?:[Ee]n|[ÀàDd]e?|[Pp]our|[Dd]ans|[Aa]vec|[Pp]ar) )?(?:[Qq]u(?:and|oi|i|e"
    r"|el(?:le)?s?(?: \w+)?)|[Oo]ù|[Cc]omment|[Pp]ourquoi"
    r"|[Cc]ombien) (?:\w+(?:-t)?-(?:elles?|ils)|(?:avait|était|fut)-il|est-il (?:né|mort|devenu|parti|arrivé|allé))\b"
    r"|^\W*(?:[Qq]uel(?:le)?s? (?:est|sont|était|étaient|fut)|[Oo]ù (?:est|sont)|[Qq]ui (?:est|était"
    r"|sont)) (?:sa|son|ses|leurs?)\b"
    # German: "Sie" and "Ihre" are the reader
    r"|^\W*(?:(?:[Ii]n|[Aa]n|[Vv]on|[Zz]u|[Aa]us|[Mm]it|[Ff]ür|[Bb]ei|[Ss]eit) )?[Ww](?:er|en|em|as|ann|o"
    r"|arum|eshalb|ieso|oher|ohin|ie(?: \w+)?"
    r"|elche[rsnm]? \w+) \w+ (?:er|sie|ihre[nrms]?|seine?[nrms]?(?= \w))\b"
    # Dutch
    r"|^\W*(?:[Ii]n|[Oo]p|[Vv]an|[Mm]et|[Aa]an)? ?(?:[Ww]ie|[Ww]at|[Ww]aar|[Ww]anneer|[Ww]aarom"
    r"|[Hh]oe(?: \w+)?|[Ww]elke? \w+) \w+ (?:hij|zij|haar|hem)\b"
    # Polish
    r"|^\W*(?:[Kk]iedy|[Gg]dzie|[Kk]to|[Cc]o|[Jj]ak(?:i|a|ie)?|[Dd]laczego|[Ii]le)(?: \w+)? (?:on|ona|oni"
    r"|jego|jej|ich)\b"
    # Russian
    r"|^\W*(?:(?:[Вв]о?|[Нн]а|[Оо]б?|[Оо]т|[Ии]з|[Уу]|[Сс]|[Кк]|[Пп]о|[Зз]а) )?(?:[Кк]огда|[Гг]де|[Кк]то"
    r"|[Кк]ем|[Кк]ому|[Кк]ого|[Чч]то|[Чч]ем|[Кк]ак"
    r"|[Пп]очему|[Оо]ткуда|[Кк]уда|[Сс]колько|[Кк]аков[аоы]?|[Кк]ак(?:ой|ая|ое|ие|ом|ую"
    r"|им)(?: \w+)?)(?: \w+)? (?:он|она|они|его|её|ее|их|ему|ей)\b"
    # Turkish, Hindi, Chinese, Japanese, Korean
    r"|^\W*(?:[Oo]nun|[Oo]nların) (?=\w)"
    r"|^\W*(?:वह|वे|उसका|उसकी|उसके|उनका|उनकी|उनके|उन्होंने|उसने|इसका|इसकी|इसके) "
    "|^[他她它]们?(?:的|是|在|什么|为什么|有|怎么|何时|哪|出生|去世)"
    "|^(?:彼|彼女)ら?[はのがをに]"
    "|^그(?:는|녀는|의|녀의|들은|들의) "
)
MOST_POINTING = 80  # characters of a question that a pronoun makes meaningless; longer ones say what they ask about


def points_elsewhere(question: str) -> bool:
    """Say whether a question of another language begins with a pronoun and names nothing after it.

    A capital or a comma may name it: "Où est-il né, Victor Hugo ?"
    """
    found = POINTING.match(question)
    rest = question[found.end() :] if found else ""
    return (
        bool(found)
        and len(question) <= MOST_POINTING
        and not re.search(r"[,，、،《「『]", rest)
        and rest == rest.lower()
    )


# Words with which no answer ends. German and Dutch prepositions are missing, because verbs part with theirs ("er kommt
# an"), and "una" and the like, which may stand alone ("hay solo una"). Capitals do not match: "la lettre Y".
UNFINISHED = {
    "en": word_set("a an the and or because its their of with"),
    "de": word_set("und oder der sowie weil dessen deren wegen"),
    "fr": word_set("et ou le la les des du de au aux à dans par que dont leur leurs"),
    "es": word_set("y o el la los las de del al a en con por para que su sus"),
    "it": word_set("e o il lo la gli di del della dei delle al alla nel nella con per che"),
    "pt": word_set("e ou o a os as de do da dos das ao aos à às em no na nos nas com por para que"),
    "nl": word_set("en of de een wiens omdat"),
    "pl": word_set("i lub oraz w we z ze do na od dla przez że ponieważ"),
    "ru": word_set("и или в во на с со из от для при к по о об что потому"),
    "tr": word_set("ve veya"),
    "ar": word_set("و أو في من إلى على عن التي الذي لأن"),
    "hi": word_set("और या कि क्योंकि"),
}
# What follows a choice, and answers that begin with a verdict
OTHER_CHOICES = (
    r"(?<!\w)(?:oder|ou|lub|albo|czy|или|либо|veya|yoksa|m[iıuü]|أم|أو|या|और|zwischen|tra|fra|tussen"
    r"|między|между|بين)(?!\w)"
    r"|(?-i:(?<= )[oeuy](?= ))|\bof (?:de|het)\b"  # "of" is "or" in Dutch only
    "|[，、]|[和与與跟]|还是|還是|或|と|それとも|아니면|[과와] "
)
VERDICTS = (
    r"ja|nein|richtig|falsch|wahr|oui|non|vrai|faux|sí|si|no|verdadero|falso|vero|sì|sim|não|verdadeiro"
    r"|nee|waar|onwaar|tak|nie|prawda|fałsz"
    r"|да|нет|верно|неверно|evet|hayır|doğru|yanlış|نعم|لا|صحيح|خطأ|हाँ|हां|नहीं|सही|गलत"
)
VERDICTS_INSIDE = "是|不是|对|對|错|錯|正确|正確|错误|はい|いいえ|正しい|間違い|誤り|예|네|아니|맞|틀"
