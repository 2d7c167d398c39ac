"""Write the formulas of Word documents in one line, much as Word's own linear format: "x=(-b±√(b^2-4ac))/(2a)"."""

import re
from xml.etree.ElementTree import Element

ALONE = re.compile(r".|\d+([.,]\d+)?|[([][^()\[\]]*[)\]]", re.DOTALL)  # needs no brackets around it
NAME = re.compile(r"\w+")  # before / or ^ or _, a name needs no brackets
SEPARATORS = {"m": "; ", "eqArr": "; ", "mr": ", "}  # of rows, and of the cells of a row
OVER = {"acc": "\u0302", "bar": "\u0305"}  # signs over what stands before them, if the formula gives none
BELOW = "\u0332"  # a bar under what stands before it
ROOTS = {"": "\u221a", "2": "\u221a", "3": "\u221b", "4": "\u221c"}
END = "\x1f"  # the end of a part that must not run into the next letter or bracket
START = "\x1e"  # the start of a part, whose first digit must not run into a letter or digit before it
MARKS = f" {START}{END}"
INVISIBLE = re.compile("[\u2061-\u2064]")  # signs that say how parts belong together


def linear(formula: Element) -> str:
    """Return a formula (an element "oMath") as one line of text."""
    text = re.sub(f"(?<=\\w){START}+(?=\\d)", " ", INVISIBLE.sub(END, _written(formula))).replace(START, "")
    text = re.sub(f"{END}+(?=[\\w(])", " ", text).replace(END, "")
    return re.sub(" +", " ", text).strip()


def _written(part: Element) -> str:
    kind = _name(part)
    if kind == "t":
        return part.text or ""
    above = {"lim": "sup"} if kind == "limUpp" else {}
    inside = [(above.get(_name(child), _name(child)), _written(child)) for child in part if not _is_properties(child)]
    named = dict(inside)
    body = named.get("e", "")
    if kind == "f":
        line = "\u00a6" if _sign(part, "type", "") == "noBar" else "/"
        return f"{START}{_bracketed(named.get('num', ''), NAME)}{line}{_bracketed(named.get('den', ''))}{END}"
    if kind == "rad":
        return _root(named.get("deg", "").strip(MARKS), body) + END
    if kind == "d":
        between = _sign(part, "sepChr", "|").join(text for name, text in inside if name == "e")
        return _sign(part, "begChr", "(") + between + _sign(part, "endChr", ")")
    if kind in OVER:
        is_below = kind == "bar" and _sign(part, "pos", "bot") == "bot"
        return body + (BELOW if is_below else _sign(part, "chr", OVER[kind]))
    if kind == "nary":
        return f" {_sign(part, 'chr', chr(0x222B))}{_scripts(named)} {body}{END}"
    if named.keys() & {"sub", "sup", "lim"}:
        return START + _bracketed(body, NAME) + _scripts(named) + END
    return SEPARATORS.get(kind, "").join(text + END * (name == "fName") for name, text in inside)


def _root(degree: str, body: str) -> str:
    return f"{ROOTS[degree]}{_bracketed(body)}" if degree in ROOTS else f"\u221a({degree}&{body})"


def _scripts(named: dict[str, str]) -> str:
    """Return what stands below and above a sign."""
    given = ("_", named.get("sub") or named.get("lim")), ("^", named.get("sup"))
    return "".join(f"{mark}{_bracketed(text)}" for mark, text in given if text)


def _bracketed(text: str, also: re.Pattern[str] = ALONE) -> str:
    text = text.strip(MARKS)
    return text if ALONE.fullmatch(text) or also.fullmatch(text) else f"({text})"


def _name(part: Element) -> str:
    return part.tag.rpartition("}")[2]


def _is_properties(part: Element) -> bool:
    return part.tag.endswith("Pr")


def _sign(part: Element, name: str, default: str) -> str:
    """Return a sign that the properties of a part give."""
    properties = (one for child in part if _is_properties(child) for one in child)
    return next(("".join([*one.attrib.values()][:1]) for one in properties if _name(one) == name), default)
