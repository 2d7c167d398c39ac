"""What a careful reader scores: capitals, initials, abbreviations, units, signs, scripts, denials, option texts.

The denials were tried in two parts. DENIALS has all of them; docs/scoring.md says how many were scored rightly when
they were new.
"""

import time

import pytest

from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_verdict
from rag_instruct.scoring.scores import score_choice, score_closed, score_number, score_open


def accuracy_of(answers, output):
    answers = (answers,) if isinstance(answers, str) else answers
    return score_open(Question("1", "?", tuple(answers)), output)["accuracy"]


def chosen_is_right(options, label, output):
    choices = tuple(zip("ABCDEFGH", options, strict=False))
    return score_choice(Question("1", "?", (label,), choices=choices), output)["accuracy"]


SAID = [("Dan Dare","DAN DARE"),("NBC","It aired on NBC TV."),("JAMES ELROY","James Elroy"),("J. K. Rowling","j. k. rowling"),("Roe v. Wade","The answer is Roe v. Wade."),
 ("Wal-Mart","Walmart"),("Walmart","It is Wal-Mart."),("Spider-Man","Spiderman"),("Spiderman","It was Spider Man."),("J. R. R. Tolkien","JRR TOLKIEN"),("J.R.R. Tolkien","The author is J R R Tolkien."),
 ("CBS","CBS NEWS AIRED IT"),("Brown v. Board of Education","Answer: Brown v. Board of Education of Topeka."),("Ph.D.","She holds a PhD."),("U.S.","the US"),("E. coli","The answer is E. coli."),
 ("St. Louis","The answer is st. louis."),("Mt. Everest","Mount Everest"),("Dr. Dre","Doctor Dre"),("World War II","World War 2"),("World War Two","World War II"),("Rocky II","Rocky 2"),
 ("5%","5 percent"),("$5 million","5 million dollars"),("40,000 km","40000 kilometres"),("5 kg","5 kilograms"),("100 °C","100 degrees Celsius"),("20 miles","20 mi"),("3 m","3 meters"),("5%","5"),("$1.18 trillion","1.18 trillion dollars"),
 ("Vitamin A","It is vitamin A."),("Vitamin A","vitamin A deficiency"),("Hepatitis B","hepatitis B"),("C++","C++"),("C#","It is written in C#."),("+3","3"),("-3","It is -3."),("H2O","H2O"),("Na+","Na+"),("R","It is R."),
 ("The Who","THE WHO"),("The Who","It was The Who."),("It","It is It."),("US","The US won."),("A Tale of Two Cities","Tale of two cities"),("Once Upon A Time","Once upon a time"),
 ("北京","答案是北京。"),("北京","北京"),("北京","中国的首都是北京。"),("東京","日本の首都は東京です。"),("東京","東京"),("서울","한국의 수도는 서울입니다."),("서울","서울은 한국의 수도다."),("दिन","यह दिन है।"),("القاهرة","العاصمة هي القاهرة."),("กรุงเทพ","เมืองหลวงคือกรุงเทพ"),("Берлин","Столица — Берлин."),("Москва","МОСКВА"),("Paris","巴黎（Paris）"),
 ("Paris","Lyon? No. </think>\nParis"),("Paris","<|channel|>analysis<|message|>Lyon<|end|><|start|>assistant<|channel|>final<|message|>Paris"),("Paris","The answer is \\boxed{\\text{Paris}}"),("Paris","<answer>Paris</answer>"),("Paris","I thought Lyon. <answer>Paris</answer>"),
 ("no","no is the correct answer."),("yes","Based on the abstract, yes."),("yes","<answer>yes</answer>"),("Yes","yes is the answer"),("no","The answer would be no."),
 ("10:30 a.m.","10:30 AM"),("Sgt. Pepper's Lonely Hearts Club Band","Sergeant Pepper's Lonely Hearts Club Band"),("AC/DC","ACDC"),("AC/DC","AC-DC"),("Jay-Z","Jay Z"),("O'Brien","OBrien"),("T.S. Eliot","TS Eliot"),("T. S. Eliot","t.s. eliot"),("George W. Bush","GEORGE W BUSH"),("Guns N' Roses","Guns N Roses"),("7-Eleven","7 Eleven"),("7-Eleven","7Eleven"),("Catch-22","Catch 22"),("20 July 1969","July 20, 1969"),("X-ray","xray"),("e-mail","email"),("1990s","the 1990s"),("1,000,000","1000000"),("Beyoncé","BEYONCE"),("Malmö","malmo"),("İstanbul","Istanbul"),("Straße","STRASSE"),("Øresund","oresund"),
 ]  # fmt: skip
NOT_SAID = [("Paris","It is not in the city of Paris."),("Paris","No evidence suggests that it was held in Paris."),("Vitamin A","Vitamin D"),("Hepatitis B","Hepatitis A"),("C++","C#"),("C++","C"),("C","C++"),("C#","C++"),("-3","3"),("3","-3"),("-1","+1"),("5 + 3","5 - 3"),("5%","$5"),("$5","5%"),("100 °C","100 °F"),("5 kg","5 km"),("40,000 km","40,000 miles"),("Iran","I ran home."),("Oman","O man!"),
 ("दिन","यह दीन है।"),("北京","南京"),("北京","答案不是北京。"),("東京","東京ではない。"),("北京","答案是上海。"),("서울","서울이 아닙니다."),("Berlin","Es ist nicht Berlin."),("Paris","Ce n'est pas Paris."),("पेरिस","यह पेरिस नहीं है।"),("Na+","Na-"),("It","It is Carrie."),("It","IT IS CARRIE."),("The Who","Who sang it?"),("US","It was brought to us."),("World War II","World War I"),("Rocky II","Rocky III"),("Henry V","Henry VI"),("Paris","Paris? No. </think>\nLyon"),("Paris","<think>Paris</think>Lyon"),("Paris","<|channel|>analysis<|message|>Paris<|end|><|start|>assistant<|channel|>final<|message|>Lyon"),("Gilbert and Sullivan","Gilbert O'Sullivan"),("Paris","Paris </think> <answer>Lyon</answer>"),("yes","No, based on the abstract."),("no","There was, no doubt, an effect."),("1969","1968"),("20 July 1969","July 21, 1969"),("が","か"),("ロンドン","パリ"),("Paris","It is Lyon or Paris."),("Paris","PARIS OR LYON"),("10.5","1.05"),("12","1 2"),("John F. Kennedy","Robert F. Kennedy"),("George W. Bush","George H. W. Bush") ]  # fmt: skip


SAID += [("St. Louis","Saint Louis"),("Saint Petersburg","It is St Petersburg."),("Fort Worth","Ft. Worth"),("Ft. Lauderdale","Fort Lauderdale"),("Warner Bros.","Warner Brothers"),("Marks & Spencer","Marks and Spencer"),("Simon and Garfunkel","Simon & Garfunkel"),
 ("Henry VIII","It was Henry the Eighth."),("Henry VIII","King Henry VIII"),("Elizabeth II","Elizabeth the Second"),("Louis XIV","Louis 14"),("Henry the Eighth","Henry VIII"),("Super Bowl XLII","Super Bowl 42"),("Pope John Paul II","John Paul the Second"),("Apollo 11","Apollo XI"),("Apollo Eleven","Apollo 11"),
 ("World War I","World War One"),("World War I","the First World War"),("WWII","World War II"),("Second World War","It was in WWII."),
 ("20th century","the twentieth century"),("fifth","5th"),("1st","the first"),("21st century","the twenty-first century"),("Friday the 13th","Friday the Thirteenth"),
 ("100","one hundred"),("a hundred","100"),("1,000","a thousand"),("1,000,000","one million"),("1 million","1,000,000"),("$1 million","$1,000,000"),("2.5 million","2,500,000"),("365","three hundred and sixty-five days"),("twenty one","21"),("3.0","It is 3."),("1969.0","1969"),("-40","minus 40"),("No. 5","Number 5"),("Ocean's Eleven","Ocean's 11"),("Seven Samurai","7 Samurai"),
 ("50%","fifty per cent"),("10 km","ten kilometres"),("6 feet","six feet tall"),("8 hours","eight hours"),
 ("July 4, 1776","1776-07-04"),("1776-07-04","July 4, 1776"),("July 1776","in July of 1776"),("December 25","the twenty-fifth of December"),("July 4","July the fourth"),("1960s","the sixties"),("1990s","the '90s"),("44 BC","44 B.C.E."),("AD 79","79 AD"),("79 AD","79 CE."),("9:00 am","9 a.m."),
 ("Zürich","Zuerich"),("Gödel","Goedel"),("Dvořák","Dvorak"),("Dickens","It is in Dickens's novels."),("Sir Elton John","Elton John"),("King Henry VIII","Henry VIII"),
 ("dogs","a dog"),("foxes","a fox"),("fox","foxes"),("lily","lilies"),("wolf","wolves"),("Onion","It is made of onions."),("feet","a foot"),
 ("colour","color"),("Labour Party","the Labor Party"),("grey","It is gray."),("theatre","theater"),
 ("Mexico","Mexico, north of New Mexico"),("New England","It is New England."),("Paris","Is it Lyon? No, it is Paris."),("Paris","Paris? Yes."),("Paris","My answer: Paris, France."),("Paris","The documents say it was Paris, but not in which year."),
 ]  # fmt: skip
SAID += [("Paris","The documents do not say it directly. They mention that Paris is the capital."),("Canada","Canada did not win the first game, but it did win the cup."),("Einstein","Einstein was not an American by birth, but he was the one."),
 ]  # fmt: skip
SAID += [("0","There were zero goals."),("zero","0"),("zero","There were 0 goals."),("5 million","5 million people"),("$5 million","5 million dollars"),("1912","It sank in 1912. Millions mourned."),
 ]  # fmt: skip
SAID += [("1st","the country's first president"),("1st","The first."),("2nd","Second."),("2nd","He finished second."),("second","It is a second."),("Elizabeth I","Elizabeth the First reigned long."),("Elizabeth I","Elizabeth I reigned long."),("Henry VIII","henry the eighth"),("Type 1","It is type I."),("1990s","It was in the nineties."),("cities","They like their cities."),
 ("Paris","Is it Paris? No doubt about it."),("Paris","Paris? Not only is it the capital, it is the largest city."),("Paris","You know Paris, right? No wonder: it is the capital."),("Paris","Is it Paris? Not surprisingly, it is."),
 ("Delhi","It is New Delhi."),("Britney Spears","New Britney Spears album"),("York","It is York, not New York."),
 ]  # fmt: skip
NOT_SAID += [("Jobs","He lost his job."),("Doors","He opened the door."),("Friends","She is a friend."),("Gates","It is behind the gate."),("Queens","She is the queen of England."),("Men","He is a man."),("Rose","The roses are red."),
 ("Type 1","It is the type I like."),("Type 1","It is the type one likes."),("The One","It is what I said: Matrix, 1999, said I."),("Article 1","Article I have read is about tax."),("Elizabeth I","Elizabeth first met him in 1560."),("Elizabeth II","Elizabeth second met him in 1560."),("1990s","He was in his nineties."),("1990s","She was in her late 90s."),("2nd","It took a second."),("1st","At first I thought so."),
 ("Paris","Is it Paris? No one says so."),("Paris","Is it Paris? Not likely."),("York","It is New York."),("Jersey","It is New Jersey."),("South Wales","It is New South Wales."),
 ]  # fmt: skip
NOT_SAID += [("1","About 1,000,000 people live there."),("3","3000000"),("1.5","1500000000"),("5","5 million people"),("1912","It cost 1912 million dollars."),("0","one hundred"),
 ]  # fmt: skip
NOT_SAID += [("Henry VIII","Henry the Seventh"),("Louis XIV","Louis XV"),("World War II","the First World War"),("Apollo 11","Apollo XII"),("1,000","one million"),("1 million","1 billion"),("100","one thousand"),("fifth","fifteenth"),("20th century","the nineteenth century"),("44 BC","44 AD"),("9 am","9:00 pm"),("1960s","the seventies"),("3.0","30"),("-40","40"),("Simon","It was Simons."),("Ford","It is Fords Theatre."),
 ("England","It is New England."),("Mexico","New Mexico"),("York","NEW YORK"),("Virginia","West Virginia"),("Sudan","It is South Sudan."),("Guinea","Papua New Guinea"),("King of Spain","Spain"),
 ("Paris","Paris? No."),("Paris","Is it Paris? I doubt it."),("Paris","Could it be Paris? Unlikely."),("Paris","Everyone thinks it's Paris, but everyone is wrong."),("Paris","It is often said to be Paris, but it was Lyon."),("Paris","Contrary to popular belief, not Paris."),("Paris","It's definitely not Paris."),("Paris","Paris is incorrect."),
 ]  # fmt: skip


SAID += [("12","a dozen"),("12","He bought a dozen eggs."),("24","two dozen"),("6","half a dozen"),("3.5","three and a half"),("3.5","3 1/2"),("3.5","3½"),("2.5 hours","two and a half hours"),
 ("1/2","one half"),("1,000","1 000"),("1000000","1 000 000 people"),("300","In 1990 300 people came."),("4 July 1776","07/04/1776"),("4 July 1776","4.7.1776"),("July 4, 1776","It was signed on 4/7/1776."),
 ("4 May 2012","5/4/2012"),("4 May 2012","04.05.2012"),("Sept 11, 2001","9/11/2001"),("1939-1945","from 1939 to 1945"),("1939-1945","between 1939 and 1945"),("1914-18","1914 to 1918"),("1914-1918","1914–18"),
 ("10-15 years","between 10 and 15 years"),("70s","the 1970s"),("80s","the eighties"),("Guns N' Roses","Guns and Roses"),("Guns N' Roses","Guns n Roses"),("Rock 'n' Roll","rock and roll"),("rock'n'roll","rock and roll"),
 ("Rhythm and Blues","rhythm 'n' blues"),("Type I diabetes","Type 1 diabetes"),("Type 1","Type I diabetes"),("Type I","type one civilisation"),("Class I railroad","a Class 1 railroad"),("Type II error","type 2 error"),
 ("Paris","I see no reason to doubt that it is Paris."),("Paris","Nobody doubts that Paris won."),("Paris","Nobody disputes that it is Paris."),("Paris","Lyon did not win; Paris did."),("Paris","Paris did not host them until 1976."),
 ("Paris","Either Paris or Lyon, but the documents favour Paris."),("Paris","It may be Lyon, but Paris is the likelier answer."),("Paris","I cannot answer. The documents mention Paris as the host."),
 ("Paris","The documents do not name it, but it is Paris."),("Paris","The passages discuss Paris and its games."),("Paris","**Paris**"),("Paris","### Answer\n\nParis"),('Paris','{"answer": "Paris"}'),("Paris","A: Paris"),
 ("Paris","Not sure. Paris?"),("Paris","It was none other than Paris."),("Paris","◁think▷Lyon◁/think▷Paris"),("Paris","Short answer: Paris."),
 ]  # fmt: skip
NOT_SAID += [("12","dozens"),("13","a baker's dozen"),("2","two and a half"),("31/2","3½"),("300","in 12 300 people"),("100","a 5 100 metre race"),("July 4, 1776","4/8/1776"),("4 May 2012","05.04.2012"),
 ("1914-1918","1914"),("1914-1918","1915 to 1918"),("3-1","1-3"),("80s","1880s"),("Type 1","the type I really like"),("Class I railroad","a Class 2 railroad"),("Georgia","South Georgia"),
 ("Paris","Paris did not win; Lyon did."),("Paris","Paris wasn't the winner; Lyon was."),("Paris","Paris has not won, but Lyon has."),("Paris","I have no doubt that it isn't Paris."),("Paris","I seriously doubt it was Paris."),
 ("Paris","It may be Paris, but Lyon is the likelier answer."),("Paris","Insufficient information to answer. The documents discuss Paris and Lyon."),
 ("Paris","The documents do not provide the answer. They discuss Paris and Lyon."),("Paris","Unfortunately, the context doesn't say. It only describes the economy of Paris."),
 ("Paris","Unlike Paris, Lyon hosted the games."),("Paris","Paris? No, it was Lyon."),("Lyon","First I thought Lyon, but then I realised it is Paris."),("Lyon","◁think▷Lyon◁/think▷Paris"),
 ]  # fmt: skip

SAID += [("John F. Kennedy","It was John Fitzgerald Kennedy."),("John F. Kennedy","JOHN FITZGERALD KENNEDY"),("John Fitzgerald Kennedy","It was John F. Kennedy."),("J. R. R. Tolkien","John Ronald Reuel Tolkien wrote it."),("José F. López","Jose Fernando Lopez"),
 ("5,000","About 5k people."),("12,500 people","12.5k people"),("5,000","5 thousand"),("$5,000","$5k"),("$5 million","It cost $5m."),("$5 million","$5M"),("$2.5 billion","US$2.5B"),("£30,000","£30k a year"),
 ("March 1990","03/1990"),("March 1990","It was in 3/1990."),
 ("Human Nature","**Answer:**\nHuman Nature"),("Q fever","It is:\nQ fever"),("Paris","I read them.\nDocument 1 says it is Paris."),("Paris","I read them.\nDocument 1: Lyon is old.\nDocument 2: Paris.\n\nAnswer: Paris"),
 ("Paris","It is Paris. Sorry, I cannot say more."),("Paris","It is Paris. Wait times are long there."),("Dr. No","It was Dr. No, released in 1962."),("Paris","Lyon. Sorry, I meant Paris."),
 ("Paris",'{"answer": "Paris", "reason": "not Lyon"}'),("\u00c9tienne",'{"answer": "\\u00c9tienne"}'),("Paris","Final Answer\nParis"),("Paris","Answer - Paris"),
 ]  # fmt: skip
NOT_SAID += [("John F. Kennedy","John Kennedy"),("J. Smith","John Smith"),("George W. Bush","George Herbert Walker Bush"),("John Adams","John Quincy Adams"),("5","5k"),("5","$5m"),("2000","2k"),("March 1990","12/03/1990"),
 ("Paris","Lyon\n### Question 2\nParis"),("Paris","Lyon\nQuestion: where?\nAnswer: Paris"),("Paris","Lyon\nDocument 11: Paris is old."),("Paris",'{"answer": "Lyon", "reason": "Paris is only the capital."}'),("Paris","It is Paris. Wait, it is Lyon."),
 ]  # fmt: skip


@pytest.mark.parametrize(("answer", "output"), SAID)
def test_an_answer_counts_in_every_spelling(answer, output):
    assert accuracy_of(answer, output) == 1


@pytest.mark.parametrize(("answer", "output"), NOT_SAID)
def test_another_answer_does_not_count(answer, output):
    assert accuracy_of(answer, output) == 0


ASSERTIONS = """
It was not until 1889 that the tower was built in Paris.
He never married and died in Paris.
There is no doubt that it is Paris.
Not only the largest city but also the capital is Paris.
It isn't Lyon, it is Paris.
It is not Lyon but Paris.
Although it is not stated, the answer is Paris.
The documents do not mention the city directly, so I rely on my knowledge: Paris.
I'm not sure, but I think it's Paris.
The city that never sleeps is Paris.
Never Let Me Go was written in Paris.
While the documents don't say so explicitly, it was held in Paris.
No Country for Old Men was filmed in Paris.
The film which did not win an award was shot in Paris.
It can be none other than Paris.
He was not born in Lyon; he was born in Paris.
It was Paris, not Lyon.
It is Paris, which is not in Germany.
Without a doubt, it is Paris.
Without doubt it is Paris.
He did not attend university. He moved to Paris.
Contrary to what many believe, it is not Lyon; Paris is the answer
The event did not take place in 1923 and was moved to Paris.
Nothing else comes close: Paris.
If I am not mistaken, it is Paris.
If I'm not mistaken it's Paris.
There is no other answer than Paris.
It's no other city than Paris.
Unlike Lyon, Paris is the capital.
It couldn't be anywhere but Paris.
No. It is Paris.
No, it's Paris.
Not Lyon. Paris.
The author, who did not live to see it, was born in Paris.
Paris is the capital, and no other city is.
"Don't Look Now" was filmed in Paris.
It is Paris because it cannot be Lyon.
Not surprisingly, it is Paris.
The only large city that is not on the coast is Paris.
The answer is Paris, although the documents do not say so.
The documents do not state the answer. However, it is known to be Paris.
He had no children when he moved to Paris.
She could not find work in Lyon, so she moved to Paris.
Since he had not been paid in Lyon, he left for Paris.
There is no evidence for Lyon, so it is Paris.
I don't know for certain, but Paris seems right.
After failing to win in Lyon, he won in Paris.
It was held in Paris and nowhere else.
It is Paris; nobody doubts it.
There's no place like home, and home was Paris.
The war did not end before the treaty was signed in Paris.
He is best known for The Man Who Wasn't There and lived in Paris.
Nobody knows his birthday, but he was born in Paris.
The wrong answer would be Lyon; the right one is Paris.
This is not a trick question: Paris.
He was neither rich nor poor, and he lived in Paris.
Not far from there lies Paris.
It was no less a city than Paris.
As far as the sources go, Paris is where the ceremony took place.
He could not believe it when they told him that he would live in Paris.
Despite never having visited before, she settled in Paris.
The game was delayed because the players had not arrived in time, and it was eventually played in Paris.
It's not easy to tell, yet everything points to Paris.
No one was hurt when the train arrived in Paris.
The painter had no formal training and worked in Paris.
Nothing is known about her youth; she died in Paris.
He refused to leave and stayed in Paris.
I can't say much about it, except that it happened in Paris.
The conference, not originally planned, was held in Paris.
Its headquarters are in Paris, not in Brussels as is often claimed.
Not only did she study there, she also taught in Paris.
The letter was never sent from Lyon; it was sent from Paris.
It would be hard to find a better answer than Paris.
Sources differ, but none deny that it was in Paris.
You would not expect it, but it was Paris.
She was unable to attend the meeting in Lyon and went to Paris.
Neither of them stayed in Lyon; both moved to Paris.
To be clear: the city is Paris.
It was not the first time that the games were held in Paris.
Few know that it was signed in Paris.
The documents mention several cities, none of which is relevant except Paris.
The answer is Paris. It is not Lyon.
Paris (not Lyon).
Paris, without question.
The treaty was not ratified but it was signed in Paris.
He did not write it in Lyon; rather, he wrote it in Paris.

""".strip().split("\n")
DENIALS = """
It is not in the city of Paris.
No evidence suggests that it was held in Paris.
It's not true that the answer is Paris.
I don't think that it is Paris.
I do not believe the answer is Paris.
I doubt that it was Paris.
It is unlikely that it was held in Paris.
It is false that the treaty was signed in Paris.
There is no indication whatsoever in the text that it was Paris.
None of the documents say that it was Paris.
It could not have been Paris.
It can't be Paris.
Neither Lyon nor Paris.
Nobody believes that it was Paris.
Paris is incorrect.
Paris cannot be the answer.
Paris is wrong.
It was anything but Paris.
The text refutes the claim that it was held in Paris.
The answer is definitely not Paris.
The answer isn't Paris.
It was held in Lyon rather than in Paris.
It's hardly Paris.
Paris was never the answer.
It was never in the beautiful old city of Paris.
It was held nowhere near Paris.
The documents rule out Paris.
By no means is it Paris.
It is by no means Paris.
Under no circumstances was it Paris.
At no time was it held in Paris.
It is not the case that the city in question, known for its towers, is Paris.
It isn't, to my knowledge, Paris.
I would not say Paris.
I wouldn't say that it was Paris.
That it was Paris is not true.
It is not true, as some claim, that it was held in Paris.
There is nothing in the documents to suggest that it took place in Paris.
The documents contain no information that would place the event in Paris.
It would be a mistake to think that it was held in Paris.
The claim that it was held in Paris is false.
The idea that it was Paris has been debunked.
It is not correct that the answer to this question is Paris.
The answer is not, contrary to popular belief, Paris.
No source supports Paris.
There's no reason to think it was Paris.
Not Paris.
It wasn't Paris.
It was not held, despite what the older newspapers of the time reported, in Paris.
At no point do the documents say that the answer is Paris.
I cannot confirm that the answer is Paris.
It seems implausible that it was Paris.
Paris can be excluded.
Paris does not fit.
Paris is not correct.
Paris is ruled out by the documents.
It is a myth that it happened in Paris.
It is not, and never was, Paris.
Far from being in Paris, it was held in Lyon.
The correct answer is anything but Paris.
It has nothing to do with Paris.
It never took place in Paris.
Contrary to popular belief, it was not Paris.
No, it is not Paris.
Nowhere in the documents is it said that the treaty was signed in Paris.
Not a single document says that it was signed in Paris.
It would be incorrect to answer Paris.
The documents deny that it was signed in Paris.
I have found nothing that connects the event with Paris.
The event had no connection to Paris.
The passages never say it happened in Paris.
One thing is certain: it was not Paris.
To say that it was Paris would be wrong.
We can safely exclude Paris.
It is a common mistake to think that it was Paris.
They did not, at any time during the long war, stay in Paris.
It is not, I think, Paris.
The answer cannot possibly be Paris.
There is no way that the answer is Paris.
It was not held in the same year in Paris.
The text gives no reason to believe that the treaty, which is mentioned in the third document, was signed in Paris.
The correct answer is not Paris, as the documents make clear.
Whatever it is, it is not Paris.
It definitely isn't Paris.
I would rule out Paris.
It is incorrect that the games took place in Paris.
It was not in any way related to the French capital or to Paris.
Nobody ever claimed that it was in Paris.
It is not likely to be Paris.
Lyon, not Paris.
Lyon; Paris is wrong.
Lyon instead of Paris.
The answer is Lyon, and certainly not Paris.
It is not that the city is Paris.
My answer is not going to be Paris.
Paris is not it.
Paris isn't the answer.
Paris was not the place.
""".strip().split("\n")
WRITTEN = {
    "as written": str,
    "capitals": str.upper,
    "title case": lambda text: " ".join(word[:1].upper() + word[1:] for word in text.split()),
}
TITLES = ("Never Let Me Go",)  # capitals throughout hide that these are titles


@pytest.mark.parametrize("written", WRITTEN)
def test_assertions_count_and_denials_of_any_length_do_not(written):
    change = WRITTEN[written]
    assertions = [text for text in ASSERTIONS if written == "as written" or not text.startswith(TITLES)]
    assert [text for text in assertions if not accuracy_of("Paris", change(text))] == []
    assert [text for text in DENIALS if accuracy_of("Paris", change(text))] == []


@pytest.mark.xfail(reason="a known limit", strict=True)
@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("NEVER LET ME GO WAS WRITTEN IN PARIS.", 1),  # a title in capitals throughout
        ("The opera that nobody wanted to stage opened in Paris.", 1),
        ("It is most certainly not the famous and much visited capital of France, Paris.", 0),  # an apposition
    ],
)
def test_denials_that_rules_do_not_see(output, right):
    assert accuracy_of("Paris", output) == right


BIOMES = ["marsh", "tundra", "plains", "desert"]
ALL_OF_THEM = ["marsh", "tundra", "plains", "all of these"]
BOTH = ["marsh", "tundra", "none of these", "both A and B"]
STUDENTS = ["Student A is correct.", "Student B is correct.", "Both students are correct.", "Neither is correct."]
VITAMINS = ["vitamin A", "vitamin B", "vitamin C", "vitamin D"]
BETWEEN = ["between A and B", "between B and C", "between C and D", "at no point"]
POETS = ["W. H. Auden", "T. S. Eliot", "Ezra Pound", "D. H. Lawrence"]
CITIES = ["北京", "上海", "广州", "深圳"]


@pytest.mark.parametrize(
    ("options", "label", "output", "right"),
    [
        (BIOMES, "A", "I would choose A because marsh is wet.", 1), (BIOMES, "A", "I would choose A.", 1),
        (BIOMES, "A", "A because it is wet", 1), (BIOMES, "A", "A or B", 0), (BIOMES, "B", "A or B", 0),
        (BIOMES, "A", "Option A or option B", 0), (BIOMES, "A", "Either A or B would fit", 0), (BIOMES, "A", "A/B", 0),
        (BIOMES, "A", "It could be A or it could be B.", 0), (BIOMES, "A", "A marsh is wet, so A.", 1),
        (ALL_OF_THEM, "D", "all of these", 1), (ALL_OF_THEM, "D", "It is all of these.", 1),
        (ALL_OF_THEM, "D", "All of the above", 1), (ALL_OF_THEM, "A", "all of these", 0), (ALL_OF_THEM, "D", "marsh", 0),
        (ALL_OF_THEM, "A", "It is a marsh, not all of these.", 1), (BOTH, "C", "None of the above.", 1),
        (BOTH, "D", "Both A and B", 1), (BOTH, "D", "both A and B are right", 1), (BOTH, "A", "both A and B", 0),
        (STUDENTS, "A", "I think Student A is correct.", 1), (STUDENTS, "B", "The answer is Student A is correct.", 0),
        (STUDENTS, "B", "Student B is correct, because of the data.", 1), (STUDENTS, "C", "Both students are correct.", 1),
        (STUDENTS, "D", "Neither is correct.", 1), (VITAMINS, "A", "It is vitamin A.", 1), (VITAMINS, "B", "Vitamin A is it.", 0),
        (VITAMINS, "C", "The best source is vitamin C because it heals.", 1), (VITAMINS, "A", "A", 1),
        (CITIES, "A", "答案是北京。", 1), (CITIES, "A", "我选A，因为北京是首都。", 1), (CITIES, "A", "A。北京", 1),
        (CITIES, "B", "A。北京", 0), (CITIES, "A", "正确答案：A", 1),
        (BIOMES, "C", "C is not correct.", 0), (BIOMES, "C", "C is wrong.", 0), (BIOMES, "C", "C can be excluded.", 0),
        (BIOMES, "B", "Option B is incorrect.", 0), (BIOMES, "A", "B is wrong; A is right.", 1), (BIOMES, "B", "B can't be right.", 0),
        (BIOMES, "A", "Choice A it is.", 1), (BIOMES, "A", "Option A fits.", 1), (BIOMES, "D", "The correct option is (D).", 1),
        (BIOMES, "A", "Option A (marsh) is incorrect.", 0), (BIOMES, "B", "Option A (marsh) is wrong. Option B (tundra) fits.", 1),
        (BIOMES, "B", "Between A and B, B is better.", 1), (BIOMES, "B", "Between B and C, I choose C.", 0), (BIOMES, "B", "I can't choose between B and C.", 0),
        (BIOMES, "B", "A and C can be ruled out. B it is.", 1), (BIOMES, "B", "A, C and D are all wrong, so B.", 1), (BIOMES, "B", "B, C and D are all incorrect.", 0),
        (BIOMES, "B", "(A) and (D) are incorrect. (B) it is.", 1), (BIOMES, "B", "Option B seems tempting, but A is right.", 0), (BIOMES, "B", "Option A looks right, but it is B.", 1),
        (BIOMES, "B", "B is tempting; however, C is correct.", 0), (BIOMES, "B", "C might work, but B is the best answer.", 1), (BIOMES, "B", "B is more appropriate than C.", 1), (BIOMES, "B", "C is better than B.", 0),
        (BIOMES, "B", "\\boxed{\\text{B}}", 1), (BIOMES, "B", "**B.** tundra", 1), (BIOMES, "B", "[B]", 1), (BIOMES, "B", "Anything but B", 0), (BIOMES, "B", "B. marsh", 0),
        (BIOMES, "B", "B is correct, but C is tempting.", 1), (BIOMES, "C", "B is correct, but C is tempting.", 0), (BIOMES, "B", "B is the best answer, but A is close.", 1),
        (BIOMES, "A", "I think B, though A is plausible.", 0), (BIOMES, "B", "I would say B; D is appropriate in winter.", 1), (BETWEEN, "B", "between B and C", 1),
        (BIOMES, "A", "Option A and Option B", 0), (BIOMES, "C", "C. Not all plains are dry.", 1), (BIOMES, "B", "The answer is not B.", 0), (BIOMES, "A", "Out of the four, A makes the most sense.", 1),
        # A label at the end of a sentence is no initial.
        (BIOMES, "C", "It is not B. C is correct.", 1), (BIOMES, "C", "I would not choose A. I choose C.", 1), (BIOMES, "C", "It isn't D. C", 1),
        (BIOMES, "C", "Not A. The plains.", 1), (BIOMES, "B", "It is not B. C is correct.", 0), (BIOMES, "C", "It is not C. Plains are dry.", 0), (BIOMES, "C", "It is not C. The plains are dry.", 0),
        (BIOMES, "B", "It can't be A. B and C are left.", 0), (BIOMES, "C", "It is not B. It is not C.", 0), (POETS, "D", "It is not D. H. Lawrence.", 0),
        (BIOMES, "C", "It is not option B. Option C fits.", 1), (POETS, "A", "It was not D. H. Lawrence but W. H. Auden.", 1),
    ],
)  # fmt: skip
def test_the_option_that_is_meant_is_chosen(options, label, output, right):
    assert chosen_is_right(options, label, output) == right


REVIEW = "A) marsh - {}\nB) tundra - {}\nC) plains - {}\nD) desert - {}"
DEGREES = ["43°F.", "50°F.", "73°F.", "90°F."]
WOOD = ["Wood is porous.", "Wood is buoyant.", "Wood is light.", "Wood is magnetic."]


@pytest.mark.parametrize(
    ("options", "label", "output", "right"),
    [
        (BIOMES, "B", REVIEW.format("Incorrect", "Correct", "Incorrect", "Wrong"), 1), (BIOMES, "B", REVIEW.format("❌", "✅", "❌", "❌"), 1),
        (BIOMES, "B", REVIEW.format("not correct", "right", "right", "wrong"), 0), (BIOMES, "B", REVIEW.format("", "", "", ""), 0),
        (BIOMES, "A", "I'd eliminate B and D. Between A and C, I'd go with A.", 1), (BIOMES, "C", "We can rule out A, B and D, so C.", 1),
        (BIOMES, "B", "I would eliminate B.", 0), (BIOMES, "B", "The rule says B.", 1),
        (BIOMES, "A", "(A) marsh and (B) tundra", 0), (BIOMES, "A", "(A) marsh, (B) is too dry", 1),
        (BIOMES, "A", "The marsh, because tundra, plains and desert are dry.", 1), (BIOMES, "B", "The marsh, because tundra, plains and desert are dry.", 0),
        (BIOMES, "A", "A marsh is wetter than a desert.", 1), (BIOMES, "D", "A marsh is wetter than a desert.", 0),
        (["2nd", "1st", "3rd"], "A", "Second.", 1), (["2nd", "1st", "3rd"], "B", "The first one.", 1),
        (BIOMES, "C", "The third option", 1), (BIOMES, "D", "The last one.", 1), (BIOMES, "A", "First, we look at the map.", 0), (BIOMES, "A", "Second", 0),
        (DEGREES, "C", "73", 1), (DEGREES, "C", "approximately 73 F", 1), (DEGREES, "C", "$73^\\circ F$", 1), (DEGREES, "B", "73", 0), (DEGREES, "C", "3", 1),
        (WOOD, "B", "It's buoyant, not magnetic.", 1), (WOOD, "D", "It's buoyant, not magnetic.", 0), (WOOD, "D", "It is not magnetic.", 0),
        (BIOMES, "A", "C. No wait, A.", 1), (BIOMES, "C", "C. No wait, A.", 0),
    ],
)  # fmt: skip
def test_options_that_are_gone_through_compared_or_named_by_place(options, label, output, right):
    assert chosen_is_right(options, label, output) == right


@pytest.mark.parametrize("labels", ["ABCD", "abcd", "1234", "0123", ("i", "ii", "iii", "iv"), ("10", "20", "30", "40")])
@pytest.mark.parametrize(
    "wording",
    ["{}", "({})", "{}. tundra", "The answer is {}.", "I choose {} because it fits.", "{} is correct.", "答案：{}。"],
)
def test_labels_of_any_kind(labels, wording):
    choices = tuple(zip(labels, BIOMES, strict=True))
    question = Question("1", "?", (labels[1],), choices=choices)
    assert score_choice(question, wording.format(labels[1]))["accuracy"] == 1
    assert score_choice(question, wording.format(labels[2]).replace("tundra", "plains"))["accuracy"] == 0


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("我选B", 1),
        ("答案：B选项", 1),
        ("\uff22", 1),
        ("選択肢Bです", 1),
        ("选A", 0),
        ("Both fit, but the tundra is colder.", 1),
    ],
)
def test_labels_without_spaces_and_both(output, right):
    assert chosen_is_right(BIOMES, "B", output) == right


@pytest.mark.parametrize(
    "options",
    [["R", "rr", "Rr", "RR"], ["+3", "-3", "3", "0"], ["5 + 3", "5 - 3", "5 × 3", "5 ÷ 3"], ["C++", "C#", "C", "Java"]],
)
@pytest.mark.parametrize("wording", ["{}", "It is {}.", "The answer is {}."])
def test_options_that_only_case_or_signs_tell_apart(options, wording):
    for label, right in zip("ABCD", options, strict=True):
        scores = [chosen_is_right(options, label, wording.format(said)) for said in options]
        assert scores == [float(said == right) for said in options], right


VERDICTS = tuple((word, word) for word in ("yes", "no", "maybe"))


@pytest.mark.parametrize(
    ("output", "verdict"),
    [
        ("Based on the abstract, yes.", "yes"), ("<answer>yes</answer>", "yes"), ("yes is the correct answer.", "yes"),
        ("According to the study, yes, it does.", "yes"), ("no is the correct answer.", "no"), ("Based on the abstract, no.", "no"),
        ("<answer>no</answer>", "no"), ("In the trial, no difference was found.", None), ("There was, no doubt, an effect.", None),
        ("It said yes. </think> no", "no"), ("Not surprisingly, yes.", "yes"), ("No evidence was found, so no.", "no"),
        ("The study did not find an effect, no.", "no"), ("Yes. There is no doubt.", "yes"),
        ("Sure! No, they are not from the same country.", "no"), ("Indeed. No.", "no"), ("Sure!", "yes"),
        ("Sure! Based on the documents, they were not.", "no"), ("They were not.", "no"), ("Not really.", "no"), ("I don't think so.", "no"),
        ('{"answer": "no", "reason": "yes was not said"}', "no"), ("Absolutely. It never rains there.", "yes"), ("Definitely. It is not in Italy.", "yes"),
        ("Indeed. No other city is larger.", "yes"), ("Of course not. They never met.", "no"), ("Sure! They did not both win.", None),
        ("Y", "yes"), ("N.", "no"), ("Definitely.", "yes"), ("Absolutely not.", "no"), ("Of course not!", "no"), ("Not at all.", "no"), ("N = 20 patients took part.", None),
    ],
)  # fmt: skip
def test_a_verdict_counts_where_it_stands_alone(output, verdict):
    question = Question("1", "?", (verdict or "no",), choices=VERDICTS)
    assert score_closed(question, output)["accuracy"] == (verdict is not None)
    if verdict in ("yes", "no"):
        assert accuracy_of(verdict, output) == 1
        assert accuracy_of({"yes": "no", "no": "yes"}[verdict], output) == 0


@pytest.mark.parametrize(
    ("output", "right"), [("Mostly false", "false"), ("T", "true"), ("F.", "false"), ("Entirely accurate.", "true")]
)
def test_a_verdict_on_a_claim_may_be_one_letter_or_have_a_degree(output, right):
    for label in ("true", "false"):
        question = Question("1", "?", (label,), choices=(("true", "true"), ("false", "false")))
        assert score_closed(question, output)["accuracy"] == (label == right)


def test_a_claim_that_is_partly_true_has_no_verdict():
    for label in ("true", "false"):
        question = Question("1", "?", (label,), choices=(("true", "true"), ("false", "false")))
        assert score_closed(question, "The claim is partly true.")["accuracy"] == 0


@pytest.mark.parametrize(("output", "right"), [("It is not true.", "False"), ("Yes.", "True"), ("Incorrect.", "False")])
def test_verdicts_may_have_capitals(output, right):
    for label in ("True", "False"):
        question = Question("1", "?", (label,), choices=(("True", "True"), ("False", "False")))
        assert score_closed(question, output)["accuracy"] == (label == right)
    assert mentions_verdict(Question("1", "?", (right,)), f"It is {right.lower()}.") == 1


def test_a_name_that_is_a_verdict_is_no_verdict():
    question = Question("1", "Which band recorded it?", ("Yes",))
    assert score_open(question, "It was recorded by Yes.")["accuracy"] == 1
    assert score_open(question, "It was recorded by Rush.")["accuracy"] == 0


@pytest.mark.parametrize(
    "denial",
    [
        "It is not {}.",
        "No evidence suggests that it is {}.",
        "It is not, as far as anyone can tell from the documents, {}.",
        "{} is not the answer.",
        "I do not think that the answer is {}.",
        "It is certainly not the case that the answer is {}.",
    ],
)
@pytest.mark.parametrize("verdict", ["yes", "no"])
def test_a_denied_verdict_does_not_count(verdict, denial):
    assert accuracy_of(verdict, denial.format(verdict)) == 0
    assert accuracy_of(verdict, denial.format(verdict).upper()) == 0


HOSTILE = [
    "A B C D ", "Paris ", "not Paris ", "no evidence ", "that is not ", "J. K. ", "1, ", "Paris or Lyon ", "the answer is not Paris ",
    " ", "\n", " \n", "\u00a0", "x\n\n", "not, which was, ", "marsh tundra ", "yes no ", "A because ", "5 = ", "- ", "北京不是", "<answer>", ", which is ",
]  # fmt: skip


def test_no_output_takes_long():
    choice = Question("1", "?", ("A",), choices=tuple(zip("ABCD", BIOMES, strict=True)))
    began = time.process_time()
    for part in HOSTILE:
        text = f"Paris{part * (4000 // len(part))}Lyon"
        accuracy_of(("Paris", "J. K. Rowling"), text)
        score_choice(choice, text)
        score_closed(Question("1", "?", ("yes",), choices=VERDICTS), text)
        score_number(Question("1", "what is the decrease?", ("5",)), text)
    assert time.process_time() - began < 20, "0.1 s for each of them is usual"


def test_a_number_in_words_is_a_result():
    for word, number in [("zero", "0"), ("one", "1"), ("twelve", "12")]:
        question = Question("1", "How many?", (number,))
        assert score_number(question, f"The answer is {word}.")["accuracy"] == 1
        assert score_number(question, "The answer is nine.")["accuracy"] == 0


@pytest.mark.parametrize(
    ("answers", "output"),
    [
        (("0.141", "14.1%"), "\\boxed{14.1\\%}"),
        (("12000000",), "twelve million"),
        (("1234",), "1 234"),
        (("25",), "\\$25"),
    ],
)
def test_numbers_in_other_writings(answers, output):
    assert score_number(Question("1", "what is it?", answers), output)["accuracy"] == 1


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ("Antonín Dvořák", "Antonin Dvo&rcaron;&aacute;k"), ("H2O", "H<sub>2</sub>O"), ("Paris", "<p><b>Paris</b></p>"), ("A & B", "A &amp; B"),
        ("100 °C", "$100^\\circ$C"), ("H2O", "$\\text{H}_2\\text{O}$"), ("5", "$$5_{}$$"), ("$5", "$5"), ("50%", "\\(50\\%\\)"),
        ("0.2", "```python\nprint(1 / 5)\n```\n0.2"), ("Paris", "```\nParis\n```"), ("Paris", "Paris\n\nExplanation: It is no other city."),
    ],
)  # fmt: skip
def test_markup_is_no_part_of_an_answer(answer, output):
    assert score_open(Question("1", "?", (answer,)), output)["accuracy"] == 1
    if "Explanation" not in output:
        assert score_open(Question("1", "?", (answer,)), output)["exact_match"] == 1


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("It was Paris, no, actually it was Lyon.", 0), ("It was Lyon, no, wait, it was Paris.", 1), ("There was, actually, no doubt: Paris.", 1),
        ("Lyon\n\nExplanation: He was born in Lyon and played for Paris.", 0), ("Reasoning: He was born there.\nIt is Paris.", 1),
        ("Here is my answer:\n\nExplanation: It is Paris.", 1), ("Lyon is close.\n\nExplanation: He moved.\n\nAnswer: Paris", 1),
        ("Lyon (some sources say Paris)", 0), ("Lyon was first (many went there), then Paris.", 1), ("Paris (some sources say Lyon)", 1),
        ("Lyon. Could you tell me more, such as whether he lived in Paris?", 0), ("Please specify whether you mean the one born in Paris.", 0),
    ],
)  # fmt: skip
def test_corrections_explanations_and_requests_are_no_answers(output, right):
    assert accuracy_of("Paris", output) == right


@pytest.mark.parametrize(
    "output",
    [
        "Let me think.\nReasoning: The capital is Paris.", "Sure!\nReasoning: It is Paris.", "Documents 1 and 2 help.\nExplanation: They name Paris.",
        "It was Paris. No wait times are listed.", "It was Paris, no wait times, no queues.", "The cities (many of them old: Paris, Rome)",
    ],
)  # fmt: skip
def test_what_leads_to_an_answer_or_only_resembles_a_correction(output):
    assert accuracy_of("Paris", output) == 1


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ("<b>", "The tag is <b>."), ("<p>", "Use <p>."), ("<br>", "`<br>`"), ("<table>", "The <table> element"), ("ls -la", "Use this:\n```bash\nls -la\n```\nIt lists files."),
        ("x = 1", "```python\nx = 1\n```"), ("Inception", 'The film "Inception" Christopher Nolan made'), ("AT&T", "AT&T"), ("a < b", "a < b and b > c"), ("snake_case", "snake_case"),
        ("$5 million", "It rose from $3 million in fiscal_year to $5 million."),
    ],
)  # fmt: skip
def test_tags_commands_and_signs_may_be_the_answer(answer, output):
    assert accuracy_of(answer, output) == 1


@pytest.mark.parametrize(
    "output",
    [
        "Paris[1]",
        "Paris [1, 2].",
        "Paris [1-3]",
        "Paris [Document 1].",
        "Paris (Document 2)",
        "Paris\u30101\u2020source\u3011",
    ],
)
def test_citations_of_any_form_are_left_out(output):
    assert score_open(Question("1", "?", ("Paris",)), output)["exact_match"] == 1


def test_a_question_may_name_the_scale_of_its_answer():
    for asked, right in [("How many millions of people live there?", 1), ("How many people live there?", 0)]:
        question = Question("1", asked, ("40", "forty"))
        assert score_open(question, "About forty million people.")["accuracy"] == right
        assert score_open(question, "About 40 people.")["accuracy"] == 1
        assert score_open(question, "About 40 billion people.")["accuracy"] == 0


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ("150 million", "over 150M records"), ("150 million", "150 mil"), ("$1.18 trillion", "$1.18T"), ("$5 million", "5 million US dollars"), ("£5 million", "GBP 5 million"),
        ("$5", "5 USD"), ("6.8 inches", "6.8 in"), ("8 hours", "8 hrs"), ("5 years", "5 yrs old"), ("25 mph", "25 miles/hour"), ("100 °C", "100 C"),
        ("United States of America", "The U.S."), ("United States", "It was the USA."), ("the United States", "US"), ("UK", "the United Kingdom"),
        ("Columbus, Ohio", "Columbus, OH"), ("Austin, TX", "Austin, Texas"), ("Columbus, Ohio", "Columbus in Ohio"),
        ("iPhone 5C", "The iPhone 5c."), ("iPhone 5c", "iPhone 5C"), ("seat 12F", "seat 12f"), ("B2C", "b2c commerce"), ("100 C", "It is 100 C. Water boils."), ("100 C", "100 C. A lot."),
        ("J. C. Smith", "In 1950 J. C. Smith"), ("C. Wright Mills", "In 1950 C. Wright Mills"), ("F. W. de Klerk", "in 1990 F. W. de Klerk"), ("USD", "It is denominated in USD."), ("US dollars", "paid in US dollars"),
        ("early twentieth century", "in the early 1900s"), ("18th century", "the 1700s"), ("1800s", "19th century"),
        ("William Roache", 'William "Bill" Roache'), ("William Roache", "William (Bill) Roache"),
    ],
)  # fmt: skip
def test_shorter_and_longer_names_of_units_places_and_centuries(answer, output):
    assert accuracy_of(answer, output) == 1


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ("150 million", "150 billion"), ("$5 million", "5 million Canadian dollars"), ("£5 million", "USD 5 million"), ("United States of America", "It was brought to us."),
        ("United States", "Give us a treaty."), ("UK", "Ukraine"), ("Columbus, Ohio", "Columbus, GA"), ("18th century", "the 1800s"), ("100 °C", "100 F"), ("5 years", "5 hours"),
        ("Portland, Oregon", "Portland or Seattle, I do not know."), ("Columbus, Ohio", "Columbus, oh well."), ("Gary, Indiana", "Gary in 1990"), ("Denver, Colorado", "Denver Co."),
        ("3 million", "3 meters tall"), ("3 million", "3 m"), ("6 inches", "6 in 10 people"),
    ],
)  # fmt: skip
def test_other_units_places_and_centuries(answer, output):
    assert accuracy_of(answer, output) == 0


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("Lyon: 1939. Paris: 1976. Therefore, Lyon is older.", 0), ("Lyon: 1939. Paris: 1936. Therefore, Paris is older.", 1), ("Paris is older than Lyon.", 1),
        ("Both Lyon and Paris are equally old.", 0), ("Both are old, but Paris is older.", 1), ("So Paris, and not Lyon.", 1),
        ("Both Lyon and Paris are old, with Paris being older.", 1), ("Both are old; Paris (250 BC) is older than Lyon (43 BC).", 1), ("Both Lyon and Paris are old, and Paris is older.", 1),
        ("Paris: 250 BC. So Lyon is the younger one.", 1), ("Paris: 250 BC. So Lyon is not older.", 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "asked",
    ["Which is older, Lyon or Paris?", "Which is older Paris or Lyon ?", "Which of the two is older Lyon or Paris?"],
)
def test_the_conclusion_decides_between_two_that_a_question_offers(asked, output, right):
    assert score_open(Question("1", asked, ("Paris",)), output)["accuracy"] == right


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("They are not in the same state.", 1), ("One is in Ohio. Therefore, they are not located in the same state.", 1), ("It is not stated.", 0),
        ("They are in the same state.", 0), ("They may not be in the same state.", 0), ("It is not the case that they are not in the same state.", 0),
    ],
)  # fmt: skip
def test_a_sentence_that_denies_the_question_in_its_words_says_no(output, right):
    question = "Are both airports in the same state?"
    assert score_open(Question("1", question, ("no",)), output)["accuracy"] == right
    closed = Question("1", question, ("false",), (("true", "true"), ("false", "false")))
    assert score_closed(closed, output)["accuracy"] == right


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("Answer: F", "false"), ("Some say it is true, but it is false.", "false"), ("Not true at all.", "false"), ("Rating: ❌ False", "false"), ("REFUTES", "false"), ("Supports.", "true"),
        ("The evidence supports the claim.", "true"), ("The documents do not support the claim.", "false"), ("Research contradicts this claim.", "false"),
        ("Most likely true.", "true"), ("It is impossible to say true.", ""), ("The death was not confirmed until 1990. True.", "true"),
    ],
)  # fmt: skip
def test_verdicts_as_chat_models_word_them(output, right):
    for label in ("true", "false"):
        question = Question("1", "?", (label,), choices=(("true", "true"), ("false", "false")))
        assert score_closed(question, output)["accuracy"] == (label == right)


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("Most likely yes.", "yes"), ("probably no", "no"), ("Indeed, both of them are.", "yes"), ("Indeed, they are not.", "no"), ("The evidence is mixed.", "maybe"),
        ("There is insufficient evidence to say yes.", "maybe"), ("I cannot say yes.", ""), ("Yes, although the evidence is mixed.", "yes"), ("Results were mixed, but no.", "no"), ("No doubt I would say yes.", "yes"),
    ],
)  # fmt: skip
def test_verdicts_of_three_as_chat_models_word_them(output, right):
    for label in ("yes", "no", "maybe"):
        assert score_closed(Question("1", "?", (label,), choices=VERDICTS), output)["accuracy"] == (label == right)


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("Which 1979 film has the tagline 'In space no one can hear you scream'?", 0),
        ("What was the title of the first film of the series?", 0),
        ("What did he believe to have seen in Roswell?", 1),
    ],
)
def test_the_plural_of_a_title_is_another_thing(asked, right):
    question = Question("1", asked, ("Alien",))
    assert score_open(question, "It was about aliens.")["accuracy"] == right
    assert score_open(question, "Alien")["accuracy"] == score_open(question, "It is ALIEN.")["accuracy"] == 1


@pytest.mark.parametrize(
    ("asked", "gold", "output", "right"),
    [
        ("When did Don't Wake the Fox come out?", "1974", "Don't Wake the Fox was released in 1974.", 1),
        ("When did Don't Wake the Fox come out?", "1974", "Don't Wake the Fox was not released in 1974.", 0),
        ("Had fire not intervened, which town would have held the fair?", "Vik", "The town that would have held it had fire not intervened was Vik.", 1),
        ("Which cup did Ida Holm not win?", "Harbour Cup", "Ida Holm did not win the Harbour Cup.", 1),
        ("Which cup did Ida Holm not win?", "Harbour Cup", "She never won the Harbour Cup.", 1),
        ("Which cup did Ida Holm not win?", "Harbour Cup", "It is not the Harbour Cup.", 0),
        ("Which cup did Ida Holm win?", "Harbour Cup", "Ida Holm did not win the Harbour Cup.", 0),
        ("What is the text of an opera or musical called?", "Libretto", "The text of an opera or musical is a libretto.", 1),
        ("Who found the comet in 1934?", "Ida Holm", "The one who found the comet in 1932 (not 1934) was Ida Holm.", 1),
        ("Who had a No 1 hit in 1960?", "Ida Holm", "The No 1 hit of Ida Holm was in 1960.", 1),
    ],
)  # fmt: skip
def test_words_that_only_restate_the_question_deny_and_offer_nothing(asked, gold, output, right):
    assert score_open(Question("1", asked, (gold,)), output)["accuracy"] == right


@pytest.mark.parametrize(
    ("gold", "output", "right"),
    [
        ("dawn", "Eosophobia is the fear of dawn or sunrise.", 1),
        ("crossbar", 'The cross on the letter is called the "bar" or "crossbar".', 1),
        ("1912", "The bridge over the river was opened in 1912 or 1913.", 0),
        ("Vik", "The harbour of the island is in Vik or Lund, as far as I know.", 0),
        ("Vik", "The harbour of the island is perhaps in Vik or in the bay.", 0),
        ("politician", "It is a lawyer or politician.", 0),
        ("politician", "Lawyer or politician", 0),
    ],
)
def test_two_words_for_one_thing_are_no_guesses_but_two_names_are(gold, output, right):
    assert score_open(Question("1", "?", (gold,)), output)["accuracy"] == right


@pytest.mark.parametrize(
    ("asked", "gold", "output", "right"),
    [
        ("Who played the judge?", "Ida Marie Holm", "Ida Holm", 1), ("Who played the judge?", "Ida Holm", "Ida Marie Holm", 1),
        ("Who played the judge?", "Ida M. Holm", "Ida Holm", 1), ("Who played the judge?", "Ida Marie Holm", "Ida Berg", 0),
        ("Which ship sank?", "Ida Marie Holm", "Ida Holm", 0),
        ("Where was it built?", "Vik, Norway", "It was built in Vik.", 1), ("Where was it built?", "Vik, Norway", "It was built in Vik, Iceland.", 0),
        ("What was built?", "Vik, Norway", "It was Vik.", 0),
        ("When did it open?", "May 2014", "It opened on May 3, 2014.", 1), ("When did it open?", "May 2014", "It opened on May 3, 2015.", 0),
        ("When did it open?", "in the 1960s", "The 1960s", 1), ("Who sang it?", "Ida Holm, in 1998, with the Vik choir", "Ida Holm", 1),
        ("Which land is it?", "Republic of Upper Vik", "Upper Vik", 1), ("Which land is it?", "Republic of China", "China", 0),
        ("Which birds are they?", "PIGEONS or DOVES", "Doves", 1), ("Who was she?", "Mo (Marjorie) Holm", "Mo Holm", 1),
        ("Who wrote it?", "On the Road", "It was the Road.", 0), ("Which film is it?", "Kingdom of Heaven", "It is Heaven.", 0),
        ("Who sang it?", "Dead or Alive", "It was sung by Alive.", 0), ("When was it?", "In 1840", "It was in 1840.", 1),
        ("Which birds are they?", "rock pigeons or doves", "They are doves.", 1), ("Which sea is it?", "State of Play", "It is Play.", 0),
        ("How many times did they win?", "1", "They won once.", 1), ("Which word comes next?", "Of", 'The next word is "of."', 1),
        ("Which years were they?", "1973, 1974, 1977", "1973, 1974 and 1977", 1), ("Which years were they?", "1973, 1974, 1977", "1973 and 1974", 0),
        ("Who sang it?", "Ida Holm", "It was sung by Ida Holm\u00b9.", 1), ("Who sang it?", "Ida Holm", "It was sung by Ida Holm1.", 1),
    ],
)  # fmt: skip
def test_golds_that_say_more_or_less_than_an_output_of_the_same_thing(asked, gold, output, right):
    assert score_open(Question("1", asked, (gold,)), output)["accuracy"] == right


def test_a_month_stands_for_no_day_where_a_gold_names_the_day():
    question = Question("1", "When did it open?", ("January 2017", "January 12, 2017"))
    assert score_open(question, "It opened on January 16, 2017.")["accuracy"] == 0
    assert score_open(question, "It opened on January 12, 2017.")["accuracy"] == 1


@pytest.mark.parametrize(
    "output",
    [
        "The answer is Paris. This answer is based on Document 1.", "Paris. The answer is found in Document 2.", "It is Paris. It is a good choice for tourists.",
        "Paris\n\nExplanation: The correct answer is stated in Document 1.", "Paris\n\nExplanation: The answer is the capital of the land.",
        "Paris. The best answer is in Document 3.", "It is Paris. This answer was directly supported by the second passage.", "Paris. The answer is clear from the text.",
        "The answer is Paris. The other answer is Lyon, which is wrong.", "The answer is found in Document 1: Paris.", "The answer is given as Paris.",
        "Lyon is near.\n\nExplanation: He moved.\n\nAnswer:\nParis", "In other words, the answer is Paris.",
    ],
)  # fmt: skip
def test_what_is_said_about_an_answer_is_no_answer(output):
    assert accuracy_of("Paris", output) == 1
    assert accuracy_of("Rome", output) == 0


def test_a_remark_about_the_answer_hides_no_choice_and_no_number_and_keeps_a_wrong_answer_wrong():
    options = ["heat", "carbon dioxide", "oxygen", "iron"]
    for output in (
        "The correct answer is B. carbon dioxide. This answer is supported by Document A.",
        "The answer is B. The other option is A, which is wrong.",
        "The correct answer is B. The wrong option is A.",
    ):
        assert chosen_is_right(options, "B", output) == 1
        assert chosen_is_right(options, "A", output) == 0
    said = "The total is 60.94. This answer is based on the table."
    assert score_number(Question("1", "what is the total?", ("60.94",)), said)["accuracy"] == 1
    assert accuracy_of("Paris", "The answer is Lyon. This answer is based on the text about Paris.") == 0
    assert accuracy_of("Lyon", "Paris\n\nExplanation: The answer is near Lyon.") == 0


@pytest.mark.parametrize(
    "output", ["Final answer:\n1. Paris", "The correct answer is 1. Paris", "Answer:\n1. Paris is it. Lyon is not."]
)
def test_the_number_of_a_list_ends_no_sentence(output):
    assert accuracy_of("Paris", output) == 1
    assert accuracy_of("Lyon", output) == 0
    assert accuracy_of("Paris", "The answer is 1. It is in Paris.") == 0, "here the number is the answer"


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("While the documents do not explicitly state it, the capital is Paris.", 1), ("Although not explicitly mentioned in the documents, Paris is the capital.", 1),
        ("While not directly stated, Paris is meant.", 1), ("The capital, which is not mentioned in the documents, is Paris.", 1),
        ("The capital (not mentioned in the documents) is Paris.", 1), ("Though the passages cannot confirm it, most of it points to Paris.", 1),
        ("The capital is, although not explicitly mentioned, Paris.", 1),
        ("While the documents do not mention Paris, it is Lyon.", 0), ("While the documents do not mention Lyon, Paris, or Rome, it is Metz.", 0),
        ("While the documents do not mention Lyon, Metz or Paris, they know Rome.", 0), ("The documents, though long, do not mention Paris.", 0),
        ("Although not stated in the documents, it was not Paris.", 0), ("The documents do not mention whether, despite the war, it was in Paris.", 0),
    ],
)  # fmt: skip
def test_what_is_conceded_denies_nothing_behind_its_comma(output, right):
    assert accuracy_of("Paris", output) == right


@pytest.mark.parametrize(
    "output",
    [
        "As of December 31, 2007, the total was $60.94.", "At 3/31/2008 it was 60.94.", "At 2007-12-31 it was 60.94.", "On 31 Dec. 2007 it was 60.94",
        "On May 5th, 2007 it was 60.94", "The 3-year total was 60.94", "Per the 10-K it was 60.94.", "For the 12 months ended June 2007 it was 60.94",
        "Level 3 assets were 60.94", "The 6.25% notes were 60.94", "The 5.5% senior notes due 2015 were 60.94",
    ],
)  # fmt: skip
def test_a_date_or_a_label_is_no_result(output):
    assert score_number(Question("1", "what was it?", ("60.94",)), output)["accuracy"] == 1


@pytest.mark.parametrize(
    ("number", "output"),
    [("2007", "It was December 31, 2007."), ("5", "It is a 5-year term."), ("5", "a 5-percent rise"), ("3.5", "Its life is 3.5 years."), ("5", "5. It was then.")],
)  # fmt: skip
def test_a_date_or_a_label_is_the_result_where_no_other_number_stands(number, output):
    assert score_number(Question("1", "what was it?", (number,)), output)["accuracy"] == 1


@pytest.mark.parametrize(
    ("asked", "number", "output", "right"),
    [
        ("what was the result?", "12.5", "The net loss was $12.5 million.", 1), ("what was the result?", "-12.5", "The net loss was $12.5 million.", 1),
        ("what was the balance?", "12.5", "The balance fell to 12.5.", 1), ("what was the balance?", "-12.5", "The balance fell to -12.5.", 1),
        ("what was the price?", "12.5", "The lower price was 12.5.", 1), ("what was left?", "12.5", "Assets less liabilities were 12.5.", 1),
        ("what was the reduction?", "12.5", "The reduction was 12.5.", 1), ("what was the reduction?", "-12.5", "The reduction was 12.5.", 1),
        ("what was the change?", "12.5", "It decreased by 12.5.", 0), ("what was the change?", "-12.5", "It decreased by 12.5.", 1),
        ("what was the change?", "12.5", "It was 12.5 lower.", 0), ("what was the change?", "-12.5", "It was 12.5 lower.", 1),
        ("what was the change in net loss?", "12.5", "It decreased by 12.5.", 0), ("what was the decline?", "-12.5", "an increase of 12.5", 0),
        ("what was the change?", "-4", "The decrease from 2006 to 2007 was 4.", 1),
    ],
)  # fmt: skip
def test_only_a_word_for_a_fall_gives_a_number_its_sign(asked, number, output, right):
    assert score_number(Question("1", asked, (number,)), output)["accuracy"] == right


def labelled(labels, gold, output):
    choices = tuple((label, label) for label in labels)
    return score_closed(Question("1", "?", (gold,), choices=choices), output)["accuracy"]


@pytest.mark.parametrize(
    ("labels", "output", "right"),
    [
        (("true", "mostly true", "half true", "false"), "{}", None), (("true", "mostly true", "half true", "false"), "{}. It goes too far.", None),
        (("Relevant", "Not relevant"), "{}", None), (("relevant", "not relevant"), "The text is {}.", None), (("relevant", "not relevant"), "It isn't relevant.", "not relevant"),
        (("true", "false", "misleading"), "The claim is {}.", None), (("positive", "very positive", "negative"), "The answer is {}.", None),
        (("supports", "refutes", "not enough info"), "{}.", None), (("yes", "no", "yes, partly"), "{}", None), (("positive", "negative"), "It is not positive.", ""),
    ],
)  # fmt: skip
def test_a_label_that_contains_another_is_not_the_other(labels, output, right):
    for said in labels:
        scores = [labelled(labels, gold, output.format(said)) for gold in labels]
        assert scores == [float(gold == (said if right is None else right)) for gold in labels], said


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("There is no evidence that the claim is true.", "false"), ("No evidence suggests that the claim is true.", "false"),
        ("There is no scientific proof that this is correct.", "false"), ("There is no evidence for the claim.", "false"),
        ("There is no evidence that the claim is false.", None), ("There is no doubt that the claim is true.", "true"),
        ("True, there is no evidence of harm.", "true"), ("The answer is true, as there is no evidence of harm.", "true"),
        ("True: no evidence suggests that it is false.", "true"), ("True, but that is false.", None),
        ("There is no evidence against it, so the claim is true.", "true"),
    ],
)  # fmt: skip
def test_no_evidence_denies_what_it_is_for_and_no_verdict_before_it(output, right):
    for gold in ("true", "false"):
        assert labelled(("true", "false"), gold, output) == (gold == right)


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("Yes, although the mechanism is unclear.", "yes"), ("No, but the reason is uncertain.", "no"), ("The answer is yes, although it is unclear why.", "yes"),
        ("Maybe yes.", None), ("Yes and no.", "maybe"), ("Yes, but no.", None),
    ],
)  # fmt: skip
def test_a_first_word_yields_to_another_verdict_only(output, right):
    for gold in ("yes", "no", "maybe"):
        assert labelled(("yes", "no", "maybe"), gold, output) == (gold == right)


@pytest.mark.parametrize(
    ("gold", "output", "right"),
    [
        ("Johnson & Johnson", "Samuel Johnson", 0), ("York and New York", "New York", 0), ("Holm and Holm", "It was Ida Holm.", 0),
        ("Johnson & Johnson", "Johnson and Johnson", 1), ("John and John Smith", "John Smith and John", 1), ("Tom, Dick and Harry", "Harry, Tom and Dick", 1),
    ],
)  # fmt: skip
def test_each_part_of_an_answer_has_a_mention_of_its_own(gold, output, right):
    assert accuracy_of(gold, output) == right


@pytest.mark.parametrize(
    ("gold", "output", "right"),
    [
        ("$5 million", "5 million", 1), ("£1.5bn", "1.5 billion", 1), ("$20 thousand", "20,000", 1), ("£20,000", "20,000", 1),
        ("$5 million", "€5 million", 0), ("$5 million", "5", 0), ("$5m", "5 metres", 0), ("5 dollars", "5", 0),
    ],
)  # fmt: skip
def test_an_amount_counts_without_its_sign_but_with_its_scale(gold, output, right):
    assert accuracy_of(gold, output) == right
