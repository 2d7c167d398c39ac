"""Turns each response of an endpoint into one typed outcome.

Endpoints word the same state in many ways, and send foreign data. The rest of the program sees only six outcomes:

- `Answer`: a reply that the store keeps;
- `Refusal`: the endpoint will never answer this request, in words that we know;
- `Throttled`: the endpoint asks to wait;
- `Transient`: this attempt failed, and another one may succeed;
- `Account`: the endpoint will answer no request, because of key, credit, billing, address or model;
- `Unknown`: a refusal that we do not understand. It may concern the request or the account.

docs/endpoints.md lists the servers whose words are known here.
"""

import ast
import gzip
import json
import re
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from rag_instruct.llm.limits import seconds_of
from rag_instruct.llm.segments import Reply, Request, texts_in, wants_vectors
from rag_instruct.llm.streams import streamed
from rag_instruct.llm.usage import Usage, normal_usage
from rag_instruct.llm.vectors import vectors_in

QUOTED = 200  # characters of an endpoint's message that we repeat
HALF = "half a character"  # fault and finish reason of a text with U+FFFD: servers write it if they split a character
EMPTY = "empty"  # fault and finish reason of a reply without text and without a finish reason
BROKEN = "broken reply"
# Each begins the reason of a refusal.
FORM_REFUSED = "the endpoint cannot apply the reply's form"  # the request's pattern or schema; another one may do
PROMPT_TOO_LONG = "too long"  # a prompt with fewer documents may do
BLOCKED_AFTER = 5  # refusals without an answer: perhaps the account is blocked, or a parameter is wrong

# Finish reasons by their parts, the first match counts. "" is a failure: another attempt may end otherwise.
FINISHED = {
    "": re.compile(
        r"error(?!_(toxic|limit))|abort|cancel|fail|timeout|interrupt|insufficient|overload|malformed|evict|preempt"
    ),
    "content_filter": re.compile(
        r"filter|safety|recitation|sensitive|prohibit|block|spii|refus|guardrail|moderat|polic|toxic"
    ),
    "length": re.compile(
        r"length$|length_exceeded$|max|limit|truncat|context|out_of_tokens|incomplete|unfinished|repeti"
    ),
    "tool_calls": re.compile(r"tool|function"),
    "stop": re.compile(
        r"stop|eos|eot|eod|(^|_)end|finish|complete|done|success|natural|normal"
        r"|^(none|null|unknown|unspecified|__s_|)$"  # __s_ is </s>
    ),
}

# The prompt and its answer have more tokens than the model can hold. Fewer documents may help.
TOO_LONG = re.compile(
    r"context.?length|context.?window|context.?size|exceed_context|maximum (model|context|sequence|input)"
    r"|prompt is too long|prompt too long|prompt_too_long|too many (input |prompt )?tokens|input is too (long|large)"
    r"|input.{0,40}too long|max_model_len|longer than the (model|max)|request too large|request_too_large"
    r"|input token count|input tokens.{0,30}exceed|inputs. (tokens \+|must have less than)"
    r"|(?<!daily )(?<!weekly )(?<!monthly )tokens? limit exceeded"
    r"|reduce the length|string_above_max|too large for model|range of input length|payload too large"
    r"|exceeds? the (maximum|max|model.?s).{0,30}(token|length)|(prompt|input) length.{0,30}exceed"
)
# The words of moderation and of content filters.
MODERATED = re.compile(
    r"content.?policy|content.?filter|content management|moderation|flagged|safety system|safety reasons"
    r"|usage policy|usage guidelines|data_?inspection|inappropriate content|content exists risk|prohibited.content"
    r"|sensitive (content|words|information)|敏感|harm.?categor|unsafe content|invalid_prompt|responsible ?ai"
    r"|blocked (by|due to) .{0,40}(safety|content|policy|filter)"
)
# The endpoint cannot compile this request's pattern or schema.
GRAMMAR_REFUSED = re.compile(
    r"xgrammar|grammar|failed to (parse|compile|convert).{0,40}(schema|regex|pattern)|invalid (json )?schema"
    r"|regex.{0,40}(too complex|not supported)"
)
# Groq checks the form itself, and refuses what its model wrote.
NO_JSON = re.compile(r"json_validate_failed|failed to generate json|tool_use_failed|output_parse_failed")
# A state that passes, although its words may be those of a refusal: "the moderation service is overloaded".
PASSING = re.compile(
    r"temporar|unavailable|overload|\bbusy|tim(ed?|ing)[- ]?out|throttl|concurren|restarting|warming up|disconnect"
    r"|(try again|retry) (later|shortly|soon|in )|again later|before trying again|per.?(second|minute|hour|day|month)"
)
# Sentences and codes that name the account and nothing else.
ACCOUNT = re.compile(
    r"insufficient[_ ](user_)?(quota|balance|credits?|funds?)|credit balance is too low"
    r"|billing_(not_active|hard_limit|error|disabled)|access(_| was )terminated|credit limit exceeded"
    r"|hard limit has been reached|not active, please check your billing|account[_ ](has been )?(deactivated|disabled)"
    r"|organization has been (disabled|restricted)|organization_restricted"
    r"|requires more credits|key limit exceeded|specified api usage limits|api.?key.?(not valid|invalid)"
    r"|invalid.?api.?key|incorrect api key|api.?key.{0,40}(expired|revoked|leaked|disabled|deactivated|deleted)"
    r"|account.{0,60}suspended|out of call volume quota|monthly included credits"
    r"|unsupported_country|location is not supported|free-models-per-day|enable billing|inactive subscription"
    r"|access denied due to (invalid subscription|virtual network)|account is in good standing|arrearage|余额不足|欠费"
    r"|budget_exceeded|budget has been exceeded|exceeded(token)?budget\b|额度(不足|已用尽|已耗尽)"
    r"|organization must be verified|not_enough_balance|quota_failed|freetieronly|invalid_payment_instrument"
    r"|resource has been (temporarily )?blocked|exceeded your (current |monthly )?quota|(out of|no (more )?) ?credits\b"
    r"|credits? (are |is |have been |has been )?(used up|exhausted|depleted)|add a payment method"
)
# Words that everyday texts have too. They name the account only outside of quotations.
ACCOUNT_PERHAPS = re.compile(
    r"subscription (has |is )?(expired|ended|lapsed|inactive)|overdue|balance (is |was )?(insufficient|too low|\$0)"
    r"|(spending|spend) limit|all available credits|permission_error|not authorized to perform|security token"
    r"|(daily|weekly|monthly) (free )?(\w+ )?(limit|quota|allocation|cap)\b|payment is past due|billing (is )?disabled"
    r"|(exceeded|crossed) budget\b|quota is not enough|not enough (balance|credits?|quota)|quota has been exhausted"
    r"|consumer\s+has been suspended"
)
# A quota of a day, or none at all, although the same error may speak of a short wait.
# LiteLLM calls each 429 of OpenAI a "RateLimitError". Alibaba has OpenAI's code for its limit per minute.
NOT_TODAY = re.compile(r"(?s)free-models-per-day|perday|\blimit: 0(?![.\d])|\binsufficient_quota\b(?!.*#token-limit)")
# The address or the model's name is wrong.
ADDRESS = re.compile(
    r"(model|deployment)\b.{0,80}(not found|not exist|deprecated|decommissioned|no longer (available|supported))"
    r"|not a valid model|invalid model(:|$| name| id)|access to (the )?model|not allowed to sample from this model"
    r"|model_not_found|model_decommissioned|unknown model|could not route to|unexpected endpoint"
    r"|not supported by any provider"
)
# A limit per minute, which passes, although some providers mention plan and billing in it.
PACE = re.compile(
    r"per.?(minute|second|min\b|sec\b)|\b[rt]p[ms]\b|retrydelay|rate.?limit|too many requests|(try|retry) again in"
    r"|requests too quickly|slow down|retry (in|after) [0-9]|throttlingexception|#token-limit"
)
PACE_FIRST = re.compile(r"\W*(rate.?limit|too many requests|requests too quickly|throttlingexception)")
# A part of a message that may quote the user's text or the model's.
QUOTATION = re.compile(r"(\bat pos(ition)? [0-9]+:|\"(input|text)\":).*|\".*\"|(?<!\w)'.*'(?!\w)|`.*`", re.DOTALL)
# The error of another server, as gateways and OpenAI's client show it: JSON, or Python's form of it.
UPSTREAM = re.compile(r"(?:Error|Exception|Error code: ([0-9]{3})) - (?:b['\"])?(\{.*\})", re.DOTALL)
# As QUOTATION, but it keeps quoted words: servers quote the names of parameters and models.
SHOWN = re.compile(r"(\bat pos(ition)? [0-9]+:|\"input\":).*", re.DOTALL)
QUOTED_TEXT = re.compile(r"\".*\"", re.DOTALL)
JSON_BEGINS = ("{", "[")
# How long to wait, in words or as a member of an error.
TOLD_WAIT = re.compile(
    r"(?:(?:retry|try again|resets?) (?:in|after)|\bwait) ([0-9][0-9.dhms]*)"
    r"( ?(?:ms|msecs?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b)?(?![a-z0-9])"
    r"|(?:retry_?delay|retry_?after(?:_seconds)?)\W{1,4}([0-9][0-9.dhms]*)"
)
THOUGHTS = ("thinking", "redacted_thinking", "reasoning", "thought")  # types of parts that are no part of an answer
REASONING = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thoughts")  # members of a message
SPOKEN = ("content", "text", "parts")  # members of a message that have its text
ONLY_THOUGHTS = "only thoughts"  # finish reason of a reply whose whole text is in such a member
PAGE = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|title|meta|center|h1|\?xml|!--)", re.I)
UNSEEN = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.S | re.I)  # of a page
LASTING = (401, 402, 404, 405, 410)  # statuses of key, credit and address
PACED = (403, 429, 449)  # statuses that may ask to wait, in a message of their own words
RETRIED = (408, 409, 421, 423, 424, 425, 429, 498, 499)  # statuses below 500 after which a retry may succeed
PASSING_STATUSES = (*RETRIED, 502, 503, 504, *range(520, 530))  # statuses of states that pass, whatever their words
TIMEOUTS = (408, 499, 504, 524)  # of a proxy that stopped waiting: the model may have answered, and is charged

# Members of a body that hold an error: its words, or an object that has them.
NESTED = ("error", "errors", "base_resp", "fault")
MESSAGES = (*NESTED, "detail", "message", "msg", "error_msg", "error_message", "status_msg")
# Further ones of a response whose status says that it is an error.
MORE = ("title", "error_description", "reason", "faultstring", "Message")
# Members in which a gateway hands on the body of another server. AWS Lambda hands it on as a text.
WRAPPED = ("data", "result", "response", "output", "completion", "body")
TEXTS = ("text", "content", "value")  # members that have the text of a part


class Answer(NamedTuple):
    """A reply that the store keeps: an answer, or the model's refusal or truncated text, which is paid for too."""

    reply: Reply


class Refusal(NamedTuple):
    """The endpoint will never answer this request."""

    reason: str


class Throttled(NamedTuple):
    """The endpoint asks to wait; nothing is charged. `wait` has the seconds, if the words tell them.

    It is not `sure` where only the words say so: they may be a text that the error quotes.
    """

    said: str
    wait: float | None = None
    sure: bool = True


class Transient(NamedTuple):
    """An attempt failed, and another one may succeed.

    `charged` says that the provider may charge for the failed attempt, and `usage` what, if known. `reply` is what
    came, if it can be used when no better reply comes.
    """

    fault: str
    said: str = ""
    charged: bool = False
    usage: Usage | None = None
    reply: Reply | None = None

    def __str__(self) -> str:
        """Return the fault with the endpoint's words."""
        return f"{self.fault} ({self.said})" if self.said else self.fault


class Account(NamedTuple):
    """No request will be answered until the user changes key, account or address."""

    said: str
    status: int

    @property
    def is_of_address(self) -> bool:
        """Whether the address or the model's name is wrong."""
        is_elsewhere = 300 <= self.status < 400 or self.status in (404, 405, 410)
        return is_elsewhere or bool(ADDRESS.search(self.said.lower()))


class Unknown(NamedTuple):
    """The endpoint refused the request, in words that we do not know."""

    said: str


Outcome = Answer | Refusal | Throttled | Transient | Account | Unknown


def outcome_of(status: int, content: bytes, request: Request) -> Outcome:
    """Return the outcome of a response with this status and body."""
    content = unpacked(content)
    body = parsed(content)
    if 200 <= status < 300:
        return (embedded if wants_vectors(request) else completed)(body, content, request)
    outcome = refused(status, error_in(body) or {"message": quoted(content)})
    # A page comes from a proxy, whose words about policies and contents concern the address.
    return Unknown(outcome.reason) if isinstance(outcome, Refusal) and status != 413 and is_page(content) else outcome


def unpacked(content: bytes) -> bytes:
    """Return the body, unpacked if a proxy has dropped the header that says that it is packed."""
    if content.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error):
            return gzip.decompress(content)
    return content


def parsed(content: bytes) -> Any:
    """Return the value of a JSON body, or of a stream that nobody asked for; None if it is neither.

    What is not UTF-8 becomes U+FFFD: the reply is paid for, and the rest of it may be of use. What a
    proxy adds behind the value is left out, unless it may be another value.
    """
    try:
        try:
            return json.loads(content, strict=False)
        except UnicodeDecodeError:
            return json.loads(content.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        pass
    if not content.lstrip().startswith(b"{"):
        return streamed(content)
    with suppress(ValueError, RecursionError):
        text = content.decode("utf-8", "replace").lstrip()
        value, end = json.JSONDecoder(strict=False).raw_decode(text)
        return None if "{" in text[end:] else value
    return None


def error_in(body: Any) -> dict[str, Any]:
    """Return the error in a response's body as an object with a message; empty if there is none.

    Where the error is:

    - Gemini: in a list of one; Cloudflare: in `errors`; FastAPI: in `detail`; MiniMax: in `base_resp`;
    - Spring: in `message`, while `error` has the name of the status;
    - TGI and others: `error` is a text. With gateways, a text may be the JSON of another server.
    """
    if isinstance(body, list):
        body = body[0] if body else None
    if isinstance(body, str):
        inner = parsed(body.encode("utf-8", "replace")) if body.lstrip()[:1] in JSON_BEGINS else None
        return error_in(inner) or ({"message": body} if body else {})
    if not isinstance(body, dict):
        return {}
    for name in NESTED:
        inner = body[name][0] if isinstance(body.get(name), list) and body[name] else body.get(name)
        if isinstance(inner, dict) and inner:
            return _of_upstream(error_in(inner))
    given = [body[name] for name in (*MESSAGES, *MORE) if body.get(name) and not isinstance(body[name], bool | int)]
    if len(given) == 1 and isinstance(given[0], str):
        inner = error_in(given[0])
        return {**body, **inner}
    said = [one if isinstance(one, str) else json.dumps(one) for one in given]
    return {**body, "message": ": ".join(said) or json.dumps(body)} if body else {}


def _of_upstream(error: dict[str, Any]) -> dict[str, Any]:
    """Return the error with the words of the provider behind a router: OpenRouter has them as JSON in its metadata."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str) or "Provider returned error" not in str(error.get("message")):
        return error
    return {**error, "message": f"{error['message']}: {error_in(raw).get('message')}"}


def _upstream(message: str) -> tuple[re.Match[str], dict[str, Any]] | None:
    """Return where a message shows the error of another server, and this error; None if it shows none."""
    if not (found := UPSTREAM.search(message)):
        return None
    forms: tuple[Callable[[], Any], ...] = (
        lambda: json.loads(found[2].replace("\\'", "'"), strict=False),
        lambda: ast.literal_eval(found[2]),
    )
    for read in forms:
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            return found, error_in(read())
    return None


def _with_upstream(message: str) -> str:
    """Return the message. If it has the JSON of another server's error, replace the JSON by the error's words.

    Our patterns leave quoted text out, and the words in the JSON would count as quoted.
    """
    if not (shown := _upstream(message)):
        return message
    found, error = shown
    words = " ".join(str(error.get(name) or "") for name in ("code", "type", "message"))
    return message[: found.start(2)] + _with_upstream(words) + message[found.end(2) :]


def _upstream_status(message: str) -> int:
    """Return the status below 500 that an error had at the server behind a gateway; 0 if the message shows none."""
    if not (shown := _upstream(SHOWN.sub("", message))):
        return 0
    status = shown[0][1] or str(shown[1].get("code"))
    return int(status) if re.fullmatch("4[0-9][0-9]", status) else 0


def refused(status: int, error: Mapping[str, Any]) -> Outcome:
    """Return the outcome of an error with this status."""
    code = next((str(error[name]) for name in ("code", "status", "error_type") if _is_word(error.get(name))), "")
    message = str(error.get("message") or "")
    said = clean(f"{status} {code}".strip() + (f" ({message})" if message and message != code else ""))
    status = (_upstream_status(message) if status >= 500 else 0) or status
    message = _with_upstream(message)
    # Other members may repeat the user's text, whose words say nothing of the endpoint.
    kind = f"{code} {error.get('type')}".lower()
    words = f"{kind} {message}".lower()
    more = f"{words} {error.get('details')}".lower()
    passing = _is_of_pace(status, kind, message.lower()) or (status == 429 and PACE.search(more))
    if "in_flight_budget" in words:  # OpenRouter: less credit than the requests in flight may cost
        return Throttled(said)
    if _lasts(status, more) or (_of_account(status, kind, message.lower()) and not passing):
        return Account(said, status)
    refusal = _refusal(status, kind, message.lower(), said)
    may_pass = _may_pass(status, message.lower()) or (passing and "too large" not in words)
    if refusal and (status in (413, 429) or not may_pass):
        return refusal
    if status == 429 or passing:
        members = {name: error.get(name) for name in ("metadata", "retry_after", "retry_after_seconds")}
        sure = status == 429 or bool(PACE.search(kind))
        return Throttled(said, told_wait(f"{more} {members}".lower()), sure)
    if status < 500 and ADDRESS.search(f"{kind} {SHOWN.sub('', message.lower())}"):
        return Account(said, status)
    if NO_JSON.search(words):
        return Transient("no JSON", said, charged=True)
    if status in RETRIED or status >= 500 or status < 200 or refusal:
        return Transient(str(status), clean(message or code), charged=status in TIMEOUTS)
    return Unknown(said)


def _is_of_pace(status: int, kind: str, message: str) -> bool:
    """Return whether an error below 500 says that a limit per minute is exceeded.

    Its message may quote the user's text. So the words count in its code and type, outside of quotations, or at its
    beginning.
    """
    own = QUOTATION.sub("", message) if status in PACED else ""
    return status < 500 and bool(PACE.search(f"{kind} {own}") or PACE_FIRST.match(message))


def _lasts(status: int, words: str) -> bool:
    """Return whether the endpoint will refuse every request until the user changes something, or the day ends."""
    return status in LASTING or 300 <= status < 400 or (status == 429 and bool(NOT_TODAY.search(words)))


def _of_account(status: int, kind: str, message: str) -> bool:
    """Return whether an error names the account.

    From 500 on, only its code and type tell: the message may quote the model's output. Below 500 the message may quote
    the user's text, but a 429 never does: there, quoted words are another server's.
    """
    own = QUOTATION.sub("", message)
    if ACCOUNT.search(f"{kind} {message if status == 429 else own}" if status < 500 else kind):
        return True
    if status not in PACED or MODERATED.search(message):
        return False
    return bool(ACCOUNT_PERHAPS.search(f"{kind} {own}"))


def _may_pass(status: int, message: str) -> bool:
    """Return whether an error may be temporary, although it has the words of a refusal."""
    return status in PASSING_STATUSES or bool(PASSING.search(QUOTATION.sub("", message)))


def may_be_of_parameters(outcome: Outcome) -> bool:
    """Return whether an error that names a parameter may be caused by it.

    Errors of a prompt that is too long name `max_tokens`, and those of moderation may quote any word.
    """
    return not isinstance(outcome, Refusal) or outcome.reason.startswith(FORM_REFUSED)


def told_wait(words: str) -> float | None:
    """Return how many seconds an error asks to wait; None if it does not say."""
    if not (found := TOLD_WAIT.search(words)):
        return None
    unit = re.sub(r"^(ms|milli|s|m|h|d).*", lambda one: one[1].replace("milli", "ms"), (found[2] or "").strip())
    return seconds_of((found[1] or found[3]).rstrip(".") + unit)


def _refusal(status: int, kind: str, message: str, said: str) -> Refusal | None:
    """Return the refusal if the words concern the request alone."""
    # Servers put names of parameters between ` or ', and a message may be JSON. The text in "..." is the user's.
    shown = SHOWN.sub("", message)
    words = f"{kind} {shown if shown.lstrip()[:1] in JSON_BEGINS else QUOTED_TEXT.sub('', shown)}"
    if status == 413 or (TOO_LONG.search(words) and (status != 429 or "too large" in words)):
        return Refusal(f"{PROMPT_TOO_LONG}: {said}")
    own = f"{kind} {QUOTATION.sub('', message)}"
    if status < 500 and status != 429 and MODERATED.search(own):
        return Refusal(said)
    if status != 429 and GRAMMAR_REFUSED.search(own):
        return Refusal(f"{FORM_REFUSED}: {said}")
    return None


def completed(body: Any, content: bytes, request: Request) -> Outcome:
    """Return the outcome of a successful response."""
    body = _unwrapped(body)
    choice = _first_choice(body)
    usage = _usage(body, choice)
    if choice is None:
        return _without_choice(body, content, usage)
    finish = choice.get("finish_reason")
    if error := _said(choice.get("error")) or (not finish and _said(body.get("error"))):
        return _with_error(error if isinstance(error, dict) else {"message": str(error)}, usage)
    message = _message(choice)
    text, refusal = _texts(message)
    if text is None or not all(_can_be_stored(part) for part in (text, refusal)):
        return Transient(BROKEN, quoted(content), charged=True, usage=usage)
    # We offer no tools: a gateway that makes an object of the wanted form calls it so.
    called = "" if text else _called(message)
    reply: Reply = {"text": called or text, "refusal": refusal, "usage": usage, "finish_reason": finished(finish)}
    if called and reply["finish_reason"] == "tool_calls":
        reply["finish_reason"] = "stop"
    elif not text and not refusal and reply["finish_reason"] == "stop" and _has_thoughts(message):
        reply["finish_reason"] = ONLY_THOUGHTS
    if _can_be_stored(model := body.get("model")):
        reply["model"] = model
    return _whole(reply, finish, request)


def _whole(reply: Reply, finish: Any, request: Request) -> Answer | Transient:
    """Return the answer, or the failed attempt if another one may bring a better reply."""
    text, usage = reply["text"], reply.get("usage")
    if not reply["finish_reason"]:  # such as `error`, `abort` and `insufficient_system_resource`
        return Transient(f"finish reason {clean(str(finish))}", charged=True, usage=usage)
    if reply["finish_reason"] not in (*FINISHED, ONLY_THOUGHTS):
        kept = reply if text else None  # perhaps the endpoint always says so; each further attempt would be paid, too
        return Transient(f"finish reason {reply['finish_reason']}", charged=True, usage=usage, reply=kept)
    if not finish and not text and not reply.get("refusal"):  # as Gemini answers now and then
        return Transient(EMPTY, charged=True, usage=usage, reply={**reply, "finish_reason": EMPTY})
    if "\ufffd" in text and "\ufffd" not in json.dumps(request.get("messages"), ensure_ascii=False):
        return Transient(HALF, charged=True, usage=usage, reply={**reply, "finish_reason": HALF})
    return Answer(reply)


def embedded(body: Any, content: bytes, request: Request) -> Outcome:
    """Return the outcome of a successful response with vectors. The reply's text has a line for each vector."""
    usage = _usage(body, None)
    if usage and "total_tokens" in usage:
        usage = {"prompt_tokens": usage["total_tokens"], "completion_tokens": 0}
    vectors = vectors_in(body, texts_in(request))
    if vectors is None:
        return _without_choice(body, content, usage)
    reply: Reply = {"text": "\n".join(vectors), "finish_reason": "stop", "usage": usage}
    if _can_be_stored(model := body.get("model")):
        reply["model"] = model
    return Answer(reply)


def finished(finish: Any) -> str:
    """Return the finish reason in OpenAI's words, "" for a failure, or the endpoint's own words if we know none."""
    if isinstance(finish, dict):  # SGLang
        finish = finish.get("type")
    if isinstance(finish, list) and finish:
        finish = finish[0]
    if not isinstance(finish, str | None):
        return clean(str(finish))
    # Gemini writes "content_filter: PROHIBITED_CONTENT", its gateways "FinishReason.STOP".
    words = re.sub(r"[^a-z_]", "_", (finish or "").lower().partition(":")[0].strip())
    known = _known(re.sub(r"^finish_?reason_+", "", words))
    return clean(finish or "") if known is None else known


@lru_cache(maxsize=100)
def _known(words: str) -> str | None:
    return next((known for known, found in FINISHED.items() if found.search(words)), None)


def _unwrapped(body: Any) -> Any:
    """Return the completion in a body, where a gateway has put it into a list or a member."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if isinstance(body, dict) and not body.get("choices"):
        inner = (body.get(name) for name in WRAPPED)
        whole = (parsed(one.encode("utf-8", "replace")) if isinstance(one, str) else one for one in inner)
        found = next((one for one in whole if isinstance(one, dict) and one.get("choices")), None)
        return {**body, **{name: value for name, value in found.items() if value is not None}} if found else body
    return body


def _first_choice(body: Any) -> dict[str, Any] | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    if isinstance(choices, dict):  # one choice, or choices by number
        choices = [choices] if choices.get("message") else list(choices.values())
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None


def _usage(body: Any, choice: dict[str, Any] | None) -> Usage | None:
    """Return the usage of a completion. Groq, Moonshot and Google's own protocol have other places for it."""
    if not isinstance(body, dict):
        return None
    of_groq = body.get("x_groq")
    found = [body.get(name) for name in ("usage", "usageMetadata", "usage_metadata")]
    found += [(choice or {}).get("usage"), of_groq.get("usage") if isinstance(of_groq, dict) else None]
    return next(filter(None, map(normal_usage, found)), None)


def _said(error: Any) -> Any:
    """Return the error in an answer, or None for an object whose members are all empty."""
    return error if not isinstance(error, dict) or any(error.values()) else None


def _message(choice: dict[str, Any]) -> dict[str, Any]:
    """Return a choice's message. Some servers send a chunk of a stream, a plain completion or the text alone."""
    places = [choice[name] for name in ("message", "delta", "text", "content") if choice.get(name) is not None]
    found = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in places]
    messages = [{"content": one} if isinstance(one, str) else one for one in found]
    if not messages or not isinstance(messages[0], dict):
        return {"content": False}
    # Beside an empty message, the text may stand alone.
    return next((one for one in messages if isinstance(one, dict) and any(map(one.get, SPOKEN))), messages[0])


def _called(message: dict[str, Any]) -> str:
    """Return the arguments of a message's only call of a tool, or ""."""
    calls = message.get("tool_calls")
    call = calls[0] if isinstance(calls, list) and len(calls) == 1 else None
    made = call.get("function") if isinstance(call, dict) else message.get("function_call")
    arguments = made.get("arguments") if isinstance(made, dict) else ""
    arguments = json.dumps(arguments) if isinstance(arguments, dict) else arguments
    return arguments if isinstance(arguments, str) and _can_be_stored(arguments) else ""


def _has_thoughts(message: dict[str, Any]) -> bool:
    """Return whether a message has thoughts beside its content, or as parts of it."""
    content = message.get("content")
    return any(map(message.get, REASONING)) or (isinstance(content, list) and any(map(_is_thought, content)))


def _is_thought(part: Any) -> bool:
    return isinstance(part, dict) and (part.get("type") in THOUGHTS or part.get("thought") is True)


def _without_choice(body: Any, content: bytes, usage: Usage | None) -> Outcome:
    if isinstance(body, dict) and re.fullmatch("[45][0-9][0-9]", str(body.get("statusCode"))):  # of AWS Lambda
        return refused(int(body["statusCode"]), error_in(body.get("body")))
    words = {name: body.get(name) for name in MESSAGES} if isinstance(body, dict) else {}
    of_ollama = isinstance(words.get("message"), dict)  # the answer, in Ollama's own protocol
    if any(words.values()) and not of_ollama:
        return _with_error(error_in(body), usage)
    # A page comes from a proxy or a login, and not from the model.
    return Transient(BROKEN, quoted(content), charged=not is_page(content), usage=usage)


def _with_error(error: dict[str, Any], usage: Usage | None) -> Outcome:
    """Return the outcome of an error inside a successful response."""
    if usage:
        return Transient(BROKEN, clean(str(error)), charged=True, usage=usage)
    code = str(error.get("code", error.get("status")))
    if re.fullmatch("[45][0-9][0-9]", code):  # the status that the response should have
        return refused(int(code), error)
    outcome = refused(_guessed_status(error), error)
    return outcome._replace(sure=False) if isinstance(outcome, Throttled) else outcome


def _guessed_status(error: dict[str, Any]) -> int:
    """Return the status that the words of an error suggest."""
    if status := _upstream_status(str(error.get("message"))):
        return status
    words = QUOTATION.sub("", str(error.get("message")).lower())
    # Many words between `model` and `not found` are a sentence about something else.
    if (found := ADDRESS.search(words)) and len(found[0].split()) <= 5:
        return 404
    if PACE.search(words):
        return 429
    return 402 if ACCOUNT.search(words) or ACCOUNT_PERHAPS.search(words) else 500


def _texts(message: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return text and refusal of a message; the text is None in an unknown form. Other fields may have thoughts."""
    content, refusal = next(filter(None, map(message.get, SPOKEN)), message.get("content")), message.get("refusal")
    if isinstance(content, list):  # parts, as some servers send them
        said = [part for part in content if not _is_thought(part)]
        parts = [_text_of(part) if isinstance(part, dict) else part for part in said]
        refusal = refusal or next((part.get("refusal") for part in said if isinstance(part, dict)), None)
        content = "".join(parts) if all(isinstance(part, str) for part in parts) else content
    elif isinstance(content, dict):  # one part, or the object that the reply was to be, read by a gateway
        content = content["text"] if isinstance(content.get("text"), str) and "type" in content else json.dumps(content)
    if content is not None and not isinstance(content, str):
        return None, None
    return content or "", refusal if isinstance(refusal, str) else None


def _text_of(part: dict[str, Any]) -> Any:
    """Return the text of a part of a message; "" if it has none, as an image."""
    text = next((part[name] for name in TEXTS if part.get(name)), "")
    return text.get("value", text) if isinstance(text, dict) else text  # as OpenAI's assistants have it


def _can_be_stored(text: Any) -> bool:
    """Return whether a text can be written: no file can hold half a surrogate."""
    if not isinstance(text, str):
        return text is None
    return text.isascii() or not re.search("[\ud800-\udfff]", text)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and not value.isdigit()


def too_long(failure: str) -> bool:
    """Return whether a stored failure says that the prompt is too long. Older records have its words only."""
    return failure.startswith(PROMPT_TOO_LONG) or bool(TOO_LONG.search(failure.lower()))


def concerns_content(reason: str) -> bool:
    """Return whether a refusal is one of moderation."""
    return not reason.startswith((PROMPT_TOO_LONG, FORM_REFUSED))


def quoted(content: bytes) -> str:
    """Return the first characters of a body, for a message; of a page, those that a reader sees."""
    text = content[: 100 * QUOTED].decode("utf-8", "replace")
    if is_page(content):
        return f"a page: {clean(UNSEEN.sub(' ', text)) or clean(text)}"[:QUOTED]
    return clean(text) or "nothing"


def is_page(content: bytes) -> bool:
    """Return whether a body is HTML or XML, as proxies and logins send it."""
    return bool(PAGE.match(content))


def clean(text: str) -> str:
    """Return the beginning of a text in one line that any file can hold."""
    return " ".join(text.encode("utf-8", "replace").decode().split())[:QUOTED]
