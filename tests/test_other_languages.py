"""Data sets of six languages through the whole graph in one build, and what refuses other languages."""

import json
import re

import pytest
import yaml
from conftest import ROOT, Project
from loopback import endpoint
from stage import KEY

from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.exemplars.heuristic import drop_reason
from rag_instruct.files import read_jsonl
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.settings.config import read_config
from rag_instruct.synthesis.filters import pair_fault
from rag_instruct.synthesis.focus import Focus
from rag_instruct.synthesis.grounding import unsupported_number

PROMPTS = ROOT / "resources/prompts"
TOWNS = {
    "de": "Aachen Bamberg Celle Dessau Erfurt Freiburg Goslar Halle Ilmenau Jena Kassel Leipzig Mainz Neuss Oldenburg Passau "
    "Rostock Siegen Trier Ulm Viersen Weimar Xanten Zwickau Bonn Coburg Detmold Essen Fulda Gotha Hameln Iserlohn Kiel "
    "Landshut Meissen Nordhausen Offenbach Potsdam Quedlinburg Regensburg Speyer Torgau Unna Verden Worms",
    "zh": "北京 上海 广州 深圳 天津 重庆 南京 杭州 苏州 武汉 成都 西安 长沙 郑州 济南 青岛 大连 沈阳 长春 哈尔滨 昆明 贵阳 南宁 福州 厦门 "
    "南昌 合肥 太原 兰州 西宁 银川 海口 拉萨 洛阳 开封 桂林 扬州 无锡 宁波 温州 泉州 烟台 保定 大同 敦煌",
    "ja": "札幌 仙台 横浜 名古屋 京都 神戸 広島 福岡 熊本 長崎 金沢 新潟 静岡 岡山 松山 高知 鹿児島 那覇 青森 秋田 盛岡 長野 松本 奈良",
    "hi": "दिल्ली मुंबई कोलकाता चेन्नई पुणे जयपुर लखनऊ कानपुर नागपुर इंदौर भोपाल पटना आगरा वाराणसी मेरठ रांची सूरत राजकोट मैसूर मदुरै ग्वालियर "
    "जोधपुर उदयपुर देहरादून",
    "ar": "القاهرة دمشق بغداد بيروت عمان الرباط تونس الجزائر طرابلس الخرطوم صنعاء مسقط الدوحة الكويت الرياض جدة مكة حلب حمص الموصل البصرة "
    "أسوان الإسكندرية فاس",
    "th": "กรุงเทพมหานคร เชียงใหม่ เชียงราย ลำปาง ลำพูน น่าน แพร่ พะเยา สุโขทัย พิษณุโลก ตาก นครสวรรค์ ลพบุรี อยุธยา สระบุรี นครราชสีมา บุรีรัมย์ สุรินทร์ "
    "อุบลราชธานี ขอนแก่น อุดรธานี ชลบุรี ระยอง ภูเก็ต",
}
TEXT = {
    "de": "{town} ist eine Stadt mit einer langen Geschichte. Die erste Brücke über den Fluss bei {town} wurde im Jahr {year} "
    "von dem Baumeister {other} errichtet. Seitdem leben die Menschen dort vom Handel mit Tuch und Salz.",
    "zh": "{town}是一座历史悠久的城市。{town}的第一座石桥由工匠{other}于{year}年主持修建。从那时起，当地居民以丝绸和食盐贸易为生。",
    "ja": "{town}は長い歴史を持つ町である。{town}の最初の石橋は{year}年に大工の{other}によって架けられた。それ以来、住民は絹と塩の商いで暮らしている。",
    "hi": "{town} लंबे इतिहास वाला एक नगर है। {town} के पास नदी पर पहला पुल वर्ष {year} में कारीगर {other} ने बनवाया था। तब से वहाँ के लोग कपड़े और नमक "
    "के व्यापार से जीते हैं।",
    "ar": "{town} مدينة ذات تاريخ طويل. شيد البناء {other} أول جسر على النهر قرب {town} في عام {year}. ومنذ ذلك الحين يعيش السكان هناك من "
    "تجارة القماش والملح.",
    "th": "{town}เป็นเมืองที่มีประวัติศาสตร์ยาวนาน สะพานแห่งแรกข้ามแม่น้ำใกล้{town}สร้างขึ้นในปี {year} โดยช่าง{other} นับแต่นั้นผู้คนที่นั่นก็ดำรงชีพด้วยการค้าผ้าและเกลือ",
}
ASKED = {
    "de": ["Wer baute die erste Brücke bei {town} und wann geschah das?", "In welchem Jahr entstand die Brücke von {town}?",
           "Nenne den Baumeister der ältesten Flussbrücke in {town}.", "Wovon leben die Menschen in {town} seit dem Brückenbau?",
           "Erkläre, warum das Jahr der ersten Brücke für {town} wichtig war"],
    "zh": ["{town}的第一座石桥是谁修建的？", "请说明{town}石桥建成的年份", "{town}的居民靠什么贸易为生？", "列出主持修建{town}石桥的工匠",
           "哪一年{town}才有了横跨河流的桥？"],
    "ja": ["{town}の最初の石橋を架けたのは誰ですか？", "{town}の石橋が完成した年を説明してください", "{town}の住民は何の商いで暮らしていますか？",
           "橋を架けた{town}の大工は誰でしたか？", "{town}に川を渡る橋ができたのは何年ですか？"],
    "hi": ["{town} के पास पहला पुल किसने बनवाया था?", "{town} का पुल किस वर्ष बना, समझाइए", "{town} के लोग किस व्यापार से जीते हैं?",
           "{town} का पुल बनवाने वाले कारीगर का नाम बताइए", "नदी पर {town} का पुल कब बना?"],
    "ar": ["من شيد أول جسر قرب {town}؟", "اشرح متى بني جسر {town}", "من أي تجارة يعيش سكان {town}؟",
           "اذكر اسم البناء الذي شيد جسر {town}", "في أي عام بني الجسر على النهر قرب {town}؟"],
    "th": ["ใครสร้างสะพานแห่งแรกที่{town}", "อธิบายว่าสะพานของ{town}สร้างขึ้นเมื่อใด", "ชาว{town}ดำรงชีพด้วยการค้าอะไร",
           "จงบอกชื่อช่างที่สร้างสะพานของ{town}", "สะพานข้ามแม่น้ำใกล้{town}สร้างในปีใด"],
}  # fmt: skip
ANSWERED = {
    "de": "Die Brücke bei {town} entstand im Jahr {year}; seitdem lebt die Stadt vom Handel.",
    "zh": "{town}的石桥建于{year}年，此后居民以贸易为生。",
    "ja": "{town}の石橋は{year}年に架けられ、それ以来住民は商いで暮らしている。",
    "hi": "{town} का पुल वर्ष {year} में बना और तब से लोग व्यापार से जीते हैं।",
    "ar": "بني جسر {town} في عام {year}، ومنذ ذلك الحين يعيش السكان من التجارة.",
    "th": "สะพานของ{town}สร้างขึ้นในปี {year} และนับแต่นั้นผู้คนก็ดำรงชีพด้วยการค้า",
}
IMITATED = {
    "de": ["Wie funktioniert ein Dieselmotor?", "Nenne drei berühmte Komponisten der Romantik", "Warum ist der Himmel blau?",
           "Erkläre kurz die Ursachen des Dreißigjährigen Krieges", "Wann wurde die Berliner Mauer gebaut?",
           "Welche Flüsse münden in die Nordsee?", "Beschreibe den Aufbau einer Pflanzenzelle", "Wer schrieb den Faust?"],
    "zh": ["天空为什么是蓝色的？", "请列出三位著名的唐代诗人", "解释一下光合作用的过程", "长城是什么时候修建的？", "谁写了《红楼梦》？",
           "请说明蒸汽机的工作原理", "中国最长的河流是哪一条？", "比较太阳和月亮的大小", "为什么会有潮汐？",
           "请列出大气层的各个层次", "火山是怎样形成的？", "人类第一次登上月球是什么时候？"],
    "ja": ["空はなぜ青いのですか？", "江戸時代の有名な俳人を三人挙げてください", "光合成の仕組みを説明してください", "東京タワーはいつ完成しましたか？",
           "『源氏物語』の作者は誰ですか？", "蒸気機関の働きを簡単に説明してください", "日本で一番長い川はどれですか？", "太陽と月の大きさを比べてください",
           "潮の満ち引きはなぜ起こるのですか？", "地球の大気の層を挙げてください", "火山はどのようにできますか？", "人類が初めて月に降り立ったのはいつですか？"],
    "hi": ["आकाश नीला क्यों दिखता है?", "तीन प्रसिद्ध हिंदी कवियों के नाम बताइए", "प्रकाश संश्लेषण की प्रक्रिया समझाइए", "भारत कब स्वतंत्र हुआ?",
           "गोदान किसने लिखा?", "भाप का इंजन कैसे काम करता है?", "भारत की सबसे लंबी नदी कौन सी है?", "सूर्य और चंद्रमा के आकार की तुलना कीजिए",
           "ज्वार भाटा क्यों आता है?", "पृथ्वी के वायुमंडल की परतें बताइए", "हिमालय का निर्माण कैसे हुआ?", "मनुष्य चंद्रमा पर पहली बार कब उतरा?"],
    "ar": ["لماذا تبدو السماء زرقاء؟", "اذكر ثلاثة شعراء مشهورين من العصر العباسي", "اشرح عملية التمثيل الضوئي", "متى افتتحت قناة السويس؟",
           "من كتب مقدمة ابن خلدون؟", "كيف يعمل المحرك البخاري؟", "ما أطول نهر في العالم؟", "قارن بين حجم الشمس وحجم القمر",
           "لماذا يحدث المد والجزر؟", "اذكر طبقات الغلاف الجوي للأرض", "كيف تكونت الجبال؟", "متى هبط أول إنسان على القمر؟"],
    "th": ["ทำไมท้องฟ้าจึงเป็นสีฟ้า", "จงบอกชื่อกวีไทยที่มีชื่อเสียงสามคน", "อธิบายกระบวนการสังเคราะห์ด้วยแสง", "กำแพงเมืองจีนสร้างขึ้นเมื่อใด",
           "ใครแต่งเรื่องพระอภัยมณี", "เครื่องจักรไอน้ำทำงานอย่างไร", "แม่น้ำสายใดยาวที่สุดในโลก", "จงเปรียบเทียบขนาดของดวงอาทิตย์กับดวงจันทร์",
           "ทำไมจึงเกิดน้ำขึ้นน้ำลง", "จงบอกชั้นบรรยากาศของโลก", "ภูเขาเกิดขึ้นได้อย่างไร", "มนุษย์ลงดวงจันทร์ครั้งแรกเมื่อใด"],
}  # fmt: skip
NAMES = {"de": "German", "zh": "Chinese", "ja": "Japanese", "hi": "Hindi", "ar": "Arabic", "th": "Thai"}
# The build costs least with few paradigms and with noise that is searched by words, which also depends on the scripts.
PARADIGMS = {
    "de": ["single_doc_answer", "multi_doc_answer"], "zh": ["multi_doc_answer"], "ja": ["multi_doc_answer"],
    "hi": ["single_doc_answer"], "ar": ["multi_doc_answer"], "th": ["single_doc_answer"],
}  # fmt: skip


def scripted(request):
    """A teacher that writes in the language that it is told: about the first document, and in another form about two."""
    system, shown = request["messages"][0]["content"], request["messages"][-1]["content"]
    told = re.search("Write the question and the answer in (\\w+),", system)[1]
    language = {name: code for code, name in NAMES.items()}[told]
    town, year = re.search(r"Document 1: (.+)", shown)[1], re.search(r"\d{4}", shown)[0]
    forms = ASKED[language][3:] if "Document 2" in shown else ASKED[language][:3]
    said = {"town": town, "year": year}
    asked = forms[int(year) % len(forms)].format(**said)
    return json.dumps({"question": asked, "answer": ANSWERED[language].format(**said)})


def write_lines(path, lines):
    path.write_text("\n".join(lines) + "\n", "utf-8")


def prepare(project, url):
    """All data sets: one corpus of towns, instructions, runs that give each instruction other towns, one benchmark."""
    datasets, sets, passages, asked = {}, {}, ["id\ttext\ttitle"], []
    for language, names in TOWNS.items():
        towns = names.split()
        passages += [
            f"{language}{n}\t{TEXT[language].format(town=town, year=1400 + 7 * n, other=towns[-1 - n])}\t{town}"
            for n, town in enumerate(towns)
        ]
        texts = IMITATED[language]
        write_lines(
            project.folder / f"imitated_{language}.jsonl",
            [json.dumps({"instruction": text}, ensure_ascii=False) for text in texts],
        )
        run = [
            f"imitated_{language}:{row} Q0 {language}{(7 * row + rank) % len(towns)} {rank} {1 / rank} test"
            for row in range(len(texts) - 1)
            for rank in range(1, 11)
        ]
        write_lines(project.folder / f"run_{language}.trec", run)
        asked.append(json.dumps({"question": texts[-1], "answers": ["x"]}))
        sets[f"imitated_{language}"] = {"schema": "plain", "path": f"imitated_{language}.jsonl", "license": "CC0-1.0"}
        wanted = PARADIGMS[language]
        datasets[language] = {
            "language": language, "corpus": "towns", "encoder": "minilm", "exemplars": {f"imitated_{language}": 12},
            "exemplar_filter": "heuristic", "teacher": "scripted", "prompts": "full", "documents": 3, "tries": 1, "oversample": 0,
            "paradigms": dict.fromkeys(wanted, 10 // len(wanted)), "noise": {"depth": 20, "beyond": 8}, "refill": False,
            "decontaminate": ["quiz"], "multi_documents": {"choose": "next_hits"}, "evidence": {"model": False},
            "runs": {"exemplars": f"run_{language}.trec"}, "retriever": "bm25",
            "quality_filters": {"similar_questions": False},  # MiniLM's vectors are English, so nothing is embedded
        }  # fmt: skip
    write_lines(project.folder / "towns.tsv", passages)
    write_lines(project.folder / "quiz.jsonl", asked)
    teacher = {"model": "m", "base_url": url, "key_variable": "TEST_KEY", "price": {"input": 1.0, "output": 1.0}}
    for section, added in {
        "datasets": datasets, "corpora": {"towns": {"passages": {"path": "towns.tsv"}, "shards": 1}}, "exemplar_sets": sets,
        "benchmarks": {"quiz": {"schema": "own", "path": "quiz.jsonl", "kind": "open", "metric": "accuracy"}},
        "teachers": {"scripted": teacher},
    }.items():  # fmt: skip
        lines = "".join(f"  {name}: {json.dumps(value)}\n\n" for name, value in added.items())
        project.edit("config.yaml", f"\n{section}:\n", f"\n{section}:\n\n{lines}")


@pytest.mark.slow
def test_data_sets_of_other_languages_lose_no_row_for_their_script(tmp_path):
    project = Project(tmp_path)
    with endpoint(scripted) as served:
        prepare(project, served.base_url)
        cards = ("de", "zh")
        targets = [
            f"results/{language}/hub/README.md" if language in cards else f"results/{language}.jsonl"
            for language in TOWNS
        ]
        ran = project.snakemake("--cores", "2", "--", *targets, TEST_KEY=KEY)
    assert ran.returncode == 0, ran.stdout[-3000:]
    for language, names in TOWNS.items():
        results = tmp_path / "results" / language
        rows = list(read_jsonl(tmp_path / f"results/{language}.jsonl"))
        assert len(rows) == 10, language
        titles = {document.split("\n")[0] for row in rows for document in row["documents"]}
        assert titles <= set(names.split()), f"{language}: the noise is of the same script"
        assert list(read_jsonl(results / "rejects.jsonl")) == []
        unclean = list(read_jsonl(results / "exemplars/unclean.jsonl"))
        assert [one["reason"] for one in unclean] == ["in a benchmark"]
        assert list(read_jsonl(results / "exemplars/dropped.jsonl")) == []
        if language in cards:
            head = yaml.safe_load((results / "hub/README.md").read_text("utf-8").split("---")[1])
            assert head["language"] == [language]


def test_english_prompts_are_as_they_are_in_their_files():
    path = PROMPTS / "full/single_doc_answer.yaml"
    bodies = [load_prompt(path, *language).steps[0].body("any", {"documents": "D", "simulation": ""}) for language in ((), ("en",))]  # fmt: skip
    assert bodies[0] == bodies[1]
    german = load_prompt(path, "de").steps[0].body("any", {"documents": "D", "simulation": ""})
    plain, said = bodies[0]["messages"][0]["content"], german["messages"][0]["content"]
    assert said == f"{plain}\n\nWrite the question and the answer in German, whatever language the instruction is in."
    with pytest.raises(UserError, match="these prompts write English only"):
        load_prompt(PROMPTS / "compact/single_doc_answer.yaml", "de")


def config_with(folder, language):
    text = (ROOT / "config.yaml").read_text("utf-8")
    (folder / "config.yaml").write_text(
        text.replace("    tries: 16", f"    tries: 16\n    language: {language}"), "utf-8"
    )
    return read_config(folder)["datasets"]["rag_instruct_demo"]


def test_the_compact_prompts_refuse_another_language_before_anything_runs(tmp_path):
    with pytest.raises(UserError) as error:
        config_with(tmp_path, "de")
    assert str(error.value) == (
        "config.yaml: datasets.rag_instruct_demo: the prompts 'compact' write English only, but language is 'de': set "
        "`prompts: full` and a capable teacher"
    )


def test_an_unknown_language_is_refused_and_filters_follow_a_known_one(tmp_path):
    with pytest.raises(UserError, match="no language has the code 'german': give a code of ISO 639-1"):
        config_with(tmp_path, "german")
    english = config_with(tmp_path, "en")
    assert (english["quality_filters"]["language"], english["cleaning"]["language"]) == ("en", "en")
    text = (tmp_path / "config.yaml").read_text("utf-8").replace("language: en", "language: ja")
    (tmp_path / "config.yaml").write_text(text.replace("prompts: compact", "prompts: full"), "utf-8")
    japanese = read_config(tmp_path)["datasets"]["rag_instruct_demo"]
    assert (japanese["quality_filters"]["language"], japanese["cleaning"]["language"]) == ("ja", False)


PAIRS = {
    "de": ("Wovon leben die Menschen in Trier", "Vom Handel mit Tuch, Salz und Wein."),
    "zh": ("谁写了《红楼梦》？", "《红楼梦》的作者是曹雪芹。"),
    "ja": ("富士山の高さは何メートルですか？", "三千七百七十六メートルです。"),
    "th": ("เมืองหลวงของประเทศไทยคือเมืองใด", "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย"),
    "hi": ("भारत की राजधानी क्या है?", "भारत की राजधानी नई दिल्ली है।"),
    "ar": ("ما هي عاصمة مصر؟", "عاصمة مصر هي القاهرة."),
    "ko": ("한국의 수도는 어디입니까?", "한국의 수도는 서울입니다."),
    "es": ("¿No es Madrid la capital?", "No, antes no lo era."),
}
NOTHING = Focus((), (), {})


def reason(question, answer, exemplar=""):
    fault = pair_fault("single_doc_answer", question, answer, exemplar, NOTHING)
    return fault and fault.reason


@pytest.mark.parametrize("language", PAIRS)
def test_the_pair_filters_refuse_a_pair_for_no_reason_of_language(language):
    question, answer = PAIRS[language]
    assert reason(question, answer, "Wie hoch ist die Zugspitze?") is None
    assert reason(question, answer, question) == "copies exemplar"
    assert reason(question, "") == "empty"


# Documents of twelve languages, pairs that a careful reader keeps, and pairs whose numbers are wrong.
DOCUMENTS = {
'de':["Ludwig van Beethoven zog 1792 nach Wien, wo er bei Joseph Haydn studierte. Seine neunte Sinfonie wurde am 7. Mai 1824 uraufgeführt; 2.400 Zuhörer kamen in das Kärntnertortheater. Die Miete betrug 3,5 Gulden pro Woche.","Die Donau ist 2.857 Kilometer lang und mündet ins Schwarze Meer. Der Rhein entspringt in der Schweiz."],
'zh':["北京是中华人民共和国的首都，人口约2154万。故宫建于1406年至1420年，占地72万平方米，有房屋九千余间。","长江全长6300公里，是亚洲最长的河流，发源于青藏高原的唐古拉山脉，流经十一个省级行政区。"],
'ja':["富士山は静岡県と山梨県にまたがる標高3776メートルの活火山で、日本の最高峰である。2013年に世界文化遺産に登録された。","東京タワーは1958年に完成した高さ333メートルの電波塔で、東京都港区芝公園にある。"],
'ar':["القاهرة هي عاصمة مصر وأكبر مدنها، ويبلغ عدد سكانها حوالي ٩٫٥ مليون نسمة. تأسست عام ٩٦٩ على يد جوهر الصقلي.","يبلغ طول نهر النيل 6650 كيلومترا، ويصب في البحر المتوسط. افتتح السد العالي في أسوان عام 1970."],
'hi':["ताजमहल आगरा में यमुना नदी के किनारे स्थित है। इसे मुगल सम्राट शाहजहाँ ने अपनी पत्नी मुमताज़ महल की याद में बनवाया था। इसका निर्माण १६३२ में शुरू हुआ और लगभग 22 वर्ष लगे।","गंगा नदी 2525 किलोमीटर लंबी है और बंगाल की खाड़ी में गिरती है। इसका उद्गम गंगोत्री हिमनद है।"],
'th':["กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย ก่อตั้งขึ้นเมื่อ พ.ศ. 2325 โดยพระบาทสมเด็จพระพุทธยอดฟ้าจุฬาโลกมหาราช มีประชากรประมาณ ๕.๕ ล้านคน","แม่น้ำเจ้าพระยามีความยาว 372 กิโลเมตร ไหลลงสู่อ่าวไทย เริ่มต้นที่จังหวัดนครสวรรค์"],
'ko':["세종대왕은 조선의 제4대 왕으로 1443년에 훈민정음을 창제하고 1446년에 반포하였다. 집현전을 설치하였다.","한강의 길이는 494킬로미터이며 서해로 흘러 들어간다."],
'ru':["Лев Толстой родился в 1828 году в Ясной Поляне. Роман «Война и мир» он писал с 1863 по 1869 год. Его жену звали Софья Андреевна.","Волга имеет длину 3530 километров и впадает в Каспийское море."],
'tr':["İstanbul, Türkiye'nin en kalabalık şehridir. Ayasofya 537 yılında İmparator Justinianus tarafından yaptırıldı.","Kızılırmak 1.355 kilometre uzunluğundadır ve Karadeniz'e dökülür."],
'el':["Ο Παρθενώνας χτίστηκε μεταξύ 447 και 432 π.Χ. στην Ακρόπολη της Αθήνας. Αρχιτέκτονες ήταν ο Ικτίνος και ο Καλλικράτης.","Ο Όλυμπος έχει υψόμετρο 2.918 μέτρα."],
'fr':["Victor Hugo est né à Besançon le 26 février 1802. Il a publié Les Misérables en 1862. Le livre compte 1 500 pages.","La Loire mesure 1 006 kilomètres et se jette dans l'océan Atlantique."],
'es':["Miguel de Cervantes nació en Alcalá de Henares en 1547. Publicó la primera parte del Quijote en 1605.","El río Ebro mide 930 kilómetros y desemboca en el mar Mediterráneo."],
}  # fmt: skip
GROUNDED = [
('de','single_doc_answer',"Bei wem studierte Beethoven nach seinem Umzug nach Wien?","Nach seinem Umzug im Jahr 1792 studierte Beethoven bei dem Komponisten Joseph Haydn."),
('de','single_doc_answer',"Wie viele Zuhörer kamen zur Uraufführung von Beethovens neunter Sinfonie?","Zur Uraufführung am 7. Mai 1824 kamen rund 2400 Menschen ins Kärntnertortheater."),
('de','single_doc_answer',"Was kostete die Miete in vier Wochen?","Bei 3,5 Gulden pro Woche waren es in vier Wochen 14 Gulden."),
('de','multi_doc_answer',"Welcher Fluss ist länger als 2.800 Kilometer, und wo entspringt der Rhein?","Die Donau ist 2857 km lang; der Rhein entspringt in der Schweiz."),
('de','single_doc_answer',"Schreibe eine kurze Zusammenfassung über Beethovens Wiener Jahre","Beethovens Wiener Zeit begann 1792. Haydns Unterricht prägte den jungen Musiker, und die Uraufführung der Neunten machte ihn im Mai 1824 berühmt."),
('de','single_doc_answer',"Stimmt es, dass die neunte Sinfonie 1824 uraufgeführt wurde?","Ja, am 7.5.1824."),
('zh','single_doc_answer',"故宫是什么时候建成的？","故宫于1420年建成，工程始于1406年，历时约14年。"),
('zh','single_doc_answer',"北京的人口有多少？","北京的人口大约是二千一百五十四万。"),
('zh','single_doc_answer',"故宫有多少间房屋？","故宫有9000多间房屋。"),
('zh','multi_doc_answer',"中国的首都和亚洲最长的河流分别是什么？","首都是北京，亚洲最长的河流是长江，全长6300公里。"),
('zh','single_doc_answer',"长江流经几个省级行政区？","流经11个省级行政区。"),
('ja','single_doc_answer',"富士山の標高は何メートルですか？","富士山の標高は3,776メートルです。"),
('ja','single_doc_answer',"富士山はいつ世界遺産になりましたか？","平成25年（2013年）に世界文化遺産に登録されました。"),
('ja','multi_doc_answer',"富士山と東京タワーの高さの差はどのくらいですか？","富士山は3776メートル、東京タワーは333メートルなので、差は3443メートルです。"),
('ja','single_doc_answer',"東京タワーはどこにありますか？","東京都港区の芝公園にあります。"),
('ar','single_doc_answer',"متى تأسست القاهرة؟","تأسست القاهرة عام 969 على يد القائد جوهر الصقلي."),
('ar','single_doc_answer',"كم عدد سكان القاهرة؟","يبلغ عدد سكان القاهرة نحو 9.5 مليون نسمة."),
('ar','multi_doc_answer',"ما طول نهر النيل وأين يصب؟","يبلغ طول النيل ٦٦٥٠ كم ويصب في البحر المتوسط."),
('hi','single_doc_answer',"ताजमहल किसने बनवाया था?","ताजमहल मुगल सम्राट शाहजहाँ ने अपनी पत्नी मुमताज़ महल की याद में बनवाया था।"),
('hi','single_doc_answer',"ताजमहल का निर्माण कब शुरू हुआ?","ताजमहल का निर्माण सन् 1632 में शुरू हुआ।"),
('hi','single_doc_answer',"ताजमहल बनने में कितने वर्ष लगे?","इसमें लगभग २२ वर्ष लगे।"),
('hi','multi_doc_answer',"गंगा कहाँ गिरती है और कितनी लंबी है?","गंगा बंगाल की खाड़ी में गिरती है और 2,525 किमी लंबी है।"),
('th','single_doc_answer',"กรุงเทพมหานครก่อตั้งขึ้นเมื่อใด","ก่อตั้งขึ้นเมื่อปี พ.ศ. ๒๓๒๕"),
('th','single_doc_answer',"กรุงเทพมหานครก่อตั้งขึ้นในปีคริสต์ศักราชใด","ก่อตั้งในปี ค.ศ. 1782 ซึ่งตรงกับ พ.ศ. 2325"),
('th','multi_doc_answer',"แม่น้ำเจ้าพระยายาวเท่าใดและไหลลงที่ใด","แม่น้ำเจ้าพระยายาว 372 กิโลเมตรและไหลลงสู่อ่าวไทย"),
('th','single_doc_answer',"ประชากรของกรุงเทพฯ มีเท่าใด","ประมาณ 5.5 ล้านคน"),
('ko','single_doc_answer',"훈민정음은 언제 반포되었습니까?","훈민정음은 1446년에 세종대왕이 반포했습니다."),
('ko','multi_doc_answer',"한강은 어디로 흘러 들어가나요?","한강은 길이가 494km이고 서해로 흘러갑니다."),
('ru','single_doc_answer',"Когда Лев Толстой писал «Войну и мир»?","Толстой писал роман «Война и мир» с 1863 по 1869 годы, то есть шесть лет."),
('ru','single_doc_answer',"Кто была жена Толстого?","Женой Толстого была Софья Андреевна."),
('ru','multi_doc_answer',"Куда впадает Волга и какова её длина?","Волга впадает в Каспий; её длина — 3 530 км."),
('tr','single_doc_answer',"Ayasofya ne zaman yaptırıldı?","Ayasofya 537'de Justinianus'un emriyle yaptırıldı."),
('tr','multi_doc_answer',"Kızılırmak hangi denize dökülür?","Kızılırmak Karadeniz'e dökülür ve 1355 km uzunluğundadır."),
('el','single_doc_answer',"Ποιοι ήταν οι αρχιτέκτονες του Παρθενώνα;","Οι αρχιτέκτονες του Παρθενώνα ήταν ο Ικτίνος και ο Καλλικράτης."),
('el','single_doc_answer',"Πόσο ψηλός είναι ο Όλυμπος;","Το ύψος του Ολύμπου είναι 2918 μέτρα."),
('fr','single_doc_answer',"Quand et où Victor Hugo est-il né ?","Hugo est né le 26 février 1802 à Besançon."),
('fr','multi_doc_answer',"Combien mesure la Loire ?","La Loire mesure 1006 km et finit dans l'Atlantique."),
('fr','single_doc_answer',"Combien de pages comptent Les Misérables ?","Le roman compte 1.500 pages."),
('es','single_doc_answer',"¿Cuándo se publicó la primera parte del Quijote?","La primera parte de Don Quijote apareció en 1605, cuando Cervantes tenía unos 58 años."),
('es','multi_doc_answer',"¿Dónde desemboca el Ebro?","El Ebro desemboca en el Mediterráneo tras 930 km."),
('ar','single_doc_answer',"متى تأسست القاهرة بالتقويم الهجري؟","تأسست القاهرة عام 358 هـ، أي عام 969 م."),
('ja','single_doc_answer',"富士山は平成何年に世界遺産になりましたか？","平成25年です。"),
('zh','single_doc_answer',"写一首关于长江的短诗","滚滚长江出雪山，\n六千余公里入海间。"),
('hi','single_doc_support',"भारत की सबसे पवित्र नदी कौन सी मानी जाती है?","भारत की सबसे पवित्र नदी गंगा मानी जाती है।"),
('th','useless_doc',"ดอกไม้ประจำชาติของญี่ปุ่นคืออะไร","ดอกซากุระและดอกเบญจมาศ"),
('zh','useless_doc',"水在标准大气压下的沸点是多少？","一百摄氏度。"),
('ja','useless_doc',"光の速さは秒速およそ何キロメートルですか？","秒速およそ30万キロメートルです。"),
('ar','useless_doc',"من كتب رواية البؤساء؟","كتبها فيكتور هوغو."),
('de','useless_doc',"Welches Metall ist bei Zimmertemperatur flüssig?","Quecksilber ist das einzige Metall, das bei Zimmertemperatur flüssig ist."),
('de','multi_doc_support',"Welche Musikstadt liegt an der Donau, die ins Schwarze Meer mündet?","Das ist Wien, die Stadt der Wiener Klassik."),
]  # fmt: skip
UNGROUNDED = [
('de','single_doc_answer',"In welchem Jahr zog Beethoven nach Wien?","Beethoven zog 1801 nach Wien."),
('zh','single_doc_answer',"故宫是什么时候建成的？","故宫于1520年建成。"),
('ja','single_doc_answer',"富士山の標高は何メートルですか？","富士山の標高は4,810メートルです。"),
('ar','single_doc_answer',"متى افتتح السد العالي؟","افتتح السد العالي عام 1985."),
('hi','single_doc_answer',"गंगा कितनी लंबी है?","गंगा 3900 किलोमीटर लंबी है।"),
('th','single_doc_answer',"แม่น้ำเจ้าพระยายาวเท่าใด","แม่น้ำเจ้าพระยายาว 815 กิโลเมตร"),
('hi','single_doc_answer',"गंगा कितनी लंबी है?","गंगा ३९०० किलोमीटर लंबी है।"),
]  # fmt: skip


def judged(language, paradigm, question, answer):
    passages = tuple(Passage(str(number), "", text) for number, text in enumerate(DOCUMENTS[language]))
    return pair_fault(paradigm, question, answer, "Which river is the longest?", Focus(passages, (), {}))


@pytest.mark.parametrize(("language", "paradigm", "question", "answer"), GROUNDED)
def test_grounded_answers_are_kept_in_every_language(language, paradigm, question, answer):
    """Whatever its digits, the signs in its numbers, its calendar, and the capitals of its nouns."""
    assert judged(language, paradigm, question, answer) is None


@pytest.mark.parametrize(("language", "paradigm", "question", "answer"), UNGROUNDED)
def test_wrong_numbers_are_refused_in_every_language(language, paradigm, question, answer):
    fault = judged(language, paradigm, question, answer)
    assert fault is not None
    assert fault.reason == "ungrounded"


def test_an_answer_that_the_question_has_is_found_by_its_words_in_order():
    question = "北京是哪个国家的首都？"
    assert reason(question, "首都") == "answer in question"
    assert reason(question, "京北") is None


def test_instructions_of_other_languages_are_dropped_for_code_only():
    every = [text for texts in IMITATED.values() for text in texts]
    assert [text for text in every if drop_reason(text)] == []
    assert drop_reason("写一个函数来排序列表：\n```python\ndef f(): pass\n```") == "code"


@pytest.mark.parametrize(
    ("text", "answer"),
    [("有屋九千余间。", "9000"), ("人口一亿二千万。", "120000000"), ("建于一九四五年。", "1945"), ("高さは三千七百七十六メートル。", "3776")],
)  # fmt: skip
def test_numbers_in_chinese_signs_support_figures(text, answer):
    assert unsupported_number(answer, "", text) == ""
    assert unsupported_number(str(int(answer) + 7), "", text)
