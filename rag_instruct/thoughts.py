"""Cut a reasoning model's thoughts out of its reply."""

import re

# The tags of DeepSeek and Qwen (<think>), Magistral ([THINK]), Kimi (\u25c1think\u25b7), Seed (<seed:think>), Sky-T1
# (<|begin_of_thought|>), Command (<|START_THINKING|>) and others. Small letters in square brackets are prose.
NAMES = r"(?:think|thinking|thoughts?|reasoning|analysis|reflection|scratchpad)"
OPENING = rf"(?:(?i:<\|?(?:begin_of_|start_)?(?:\w+:)?{NAMES}\|?>|\u25c1{NAMES}\u25b7)|\[THINK\])"
CLOSING = rf"(?:(?i:<(?:/|\|/|\|end_of_|\|end_)(?:\w+:)?{NAMES}\|?>|\u25c1/{NAMES}\u25b7)|\[/THINK\])"
# Thoughts end at their closing tag, else before an answer's tag, else with the text, which was cut off.
THOUGHTS = re.compile(rf"{OPENING}(?:.*?{CLOSING}|.*?(?=<answer>)|.*)", re.S)
UNOPENED = re.compile(CLOSING)  # a chat template that opens the thoughts leaves the reply without the opening tag

# The channels of gpt-oss, with their tokens and as they look when a server drops the tokens.
CHANNEL = re.compile(r"<\|channel\|>")
FINAL = re.compile(r"<\|channel\|>\s*final\b[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
END_OF_MESSAGE = re.compile(r"<\|(?:return|end|call)\|>.*", re.S)
# Tokens that end a turn, as servers with a wrong chat template leave them in the text.
LEFT_OVER = re.compile(
    r"(?:\s*(?:<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text|return)\|>|<end_of_turn>|<eos>))+\s*\Z"
)
END = 200  # characters at a reply's end that may be such tokens
BARE_CHANNELS = re.compile(r"\s*(?:assistant)?analysis(?:.*assistant\s*final(?=\W|[A-Z\d])|(?=[A-Z]).*)", re.S)


def without_thoughts(text: str) -> str:
    """Return the reply without its thoughts and the tokens at its end, or the text as it is if it has none.

    A reply that was cut off within its thoughts becomes empty.
    """
    if CHANNEL.search(text):
        final = _after_last(FINAL, text)
        return "" if final is None else END_OF_MESSAGE.sub("", final).strip()
    bare = BARE_CHANNELS.match(text)
    rest = THOUGHTS.sub(" ", text[bare.end() :] if bare else text)
    answer = _after_last(UNOPENED, rest)
    rest = _without_left_over(rest if answer is None else answer)
    return text if rest == text else rest.strip()


def _without_left_over(text: str) -> str:
    end = text[-END:]
    return text.removesuffix(end) + LEFT_OVER.sub("", end)


def _after_last(pattern: re.Pattern[str], text: str) -> str | None:
    """Return what follows the last match of the pattern, or None if there is none."""
    end = max((match.end() for match in pattern.finditer(text)), default=None)
    return None if end is None else text[end:]
