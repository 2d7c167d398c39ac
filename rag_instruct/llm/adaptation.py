"""Adapts requests to the parameters that an endpoint supports."""

import json
import re
from typing import Any, ClassVar

from rag_instruct.llm.grammars import compilable
from rag_instruct.llm.segments import Request
from rag_instruct.logs import logger

# The words in which servers say that they cannot compile the grammar of one request's `response_format`.
ABOUT_GRAMMAR = re.compile(
    r"grammar|regex|invalid pattern|schema (conversion|error)|compil\w+ .{0,40}(schema|pattern)|initialize samplers"
    r"|invalid json schema|required for format"
)
OPTIONAL = ("temperature", "top_p", "seed")  # parameters that reasoning models refuse
# The words in which servers say that they do not know a parameter, or not with this model.
UNSUPPORTED = re.compile(
    r"support|not permitted|not allowed|unrecogni[sz]ed|unknown|unexpected|deprecated|extra (inputs|fields)"
    r"|only .{1,20} (is|are) allowed"
)
FORMS = re.compile(r"response_?format|json.?(schema|object|mode)|guided|structured.?(output|generation|decoding)")


class RequestAdaptation:
    """Replaces or drops parameters after an endpoint's error message says that it does not support them."""

    # For each type of `response_format`, the type to try if the endpoint refuses it. None: send no `response_format`;
    # the prompts also ask for JSON in words.
    POORER: ClassVar[dict[str, str | None]] = {"json_schema": "json_object", "json_object": None}

    def __init__(self, name: str) -> None:
        self._name = name
        self._form: str | None = "json_schema"
        self._limit = "max_tokens"
        self._unknown: set[str] = set()
        self._compiled: set[str] = set()  # grammars with which the endpoint has answered
        self._uncompilable: set[str] = set()  # grammars that it cannot compile
        self._suspected: dict[str, int] = {}  # grammars that it perhaps cannot compile: the status that may mean it
        self._suspected_once: set[str] = set()  # grammars whose request failed with them and was answered without them

    def adapt(self, request: Request) -> Request:
        """Return the request without the parameters that the endpoint is known to refuse."""
        adapted = {name: value for name, value in compilable(request).items() if name not in self._unknown}
        if "max_tokens" in adapted:
            adapted[self._limit] = adapted.pop("max_tokens")
        form = adapted.get("response_format", {}).get("type")
        while form and form != self._form and self._form != "json_schema":
            form = self.POORER[form]
        grammar = _grammar(adapted)
        left_out = grammar in self._uncompilable or grammar in self._suspected
        if form is None or left_out or (form == "json_object" and _of_text(adapted)):
            adapted.pop("response_format", None)
        elif form == "json_object":
            adapted["response_format"] = {"type": "json_object"}
        return adapted

    def learn(self, sent: Request, error: dict[str, Any], status: int = 400, unknown: bool = False) -> bool:
        """Learn from the error that the endpoint returned for `sent`. Return whether to try the request again.

        Also return True if another request's error already changed how we adapt requests like `sent`. An error that is
        `unknown`, or has the status 500, may be that of the grammar.
        """
        return (
            sent != self.adapt(sent)
            or self._cannot_compile(sent, error)
            or self._learn(sent, error)
            or ((unknown or status == 500) and self._may_not_compile(sent, status))
        )

    def succeeded(self, request: Request, sent: Request) -> None:
        """Learn from an answer to `request`, which went out as `sent`."""
        grammar = _grammar(compilable(request))
        if grammar and grammar == _grammar(sent):
            self._compiled.add(grammar)
            self._suspected.pop(grammar, None)
            self._uncompilable.discard(grammar)
        elif (status := self._suspected.pop(grammar, 0)) and grammar in self._suspected_once:
            self._leave_out(grammar, f"answers {status} to")
        elif status:
            # This may have been a passing fault: the next request tries the grammar again.
            self._suspected_once.add(grammar)
            self._say(f"answered {status}, and then the same request without the grammar {grammar[:200]}")

    def failed(self, request: Request) -> None:
        """Stop suspecting the grammar of `request`, which failed without its grammar, too."""
        self._suspected.pop(_grammar(compilable(request)), None)

    def _cannot_compile(self, sent: Request, error: dict[str, Any]) -> bool:
        """Note that the endpoint cannot compile the grammar of `sent`, if its error says so."""
        grammar, said = _grammar(sent), str(error.get("message"))
        if not grammar or grammar in self._compiled or not ABOUT_GRAMMAR.search(said.lower()):
            return False
        self._leave_out(grammar, f"cannot compile ({said[:100]})")
        return True

    def _may_not_compile(self, sent: Request, status: int) -> bool:
        """Note that the endpoint perhaps cannot compile the grammar of `sent`.

        vLLM answers 500 "Internal server error" then, and gateways 400 "Bad Request". Both may have other causes. So
        we are certain only after this happened twice: a request failed with the grammar and was answered without it.
        """
        grammar = _grammar(sent)
        if not grammar or grammar in self._compiled:
            return False
        self._suspected.setdefault(grammar, status)
        return True

    def _leave_out(self, grammar: str, how: str) -> None:
        self._uncompilable.add(grammar)
        self._say(f"{how} the grammar {grammar[:200]}: sending requests without it, and still checking each reply")

    def _learn(self, sent: Request, error: dict[str, Any]) -> bool:
        message = f"{error.get('message')} {error.get('param')} {error.get('code')}".lower()
        form = sent.get("response_format", {}).get("type")
        if form and FORMS.search(message):
            self._form = self.POORER[form]
            self._say(
                f"does not support response_format {form}; using {self._form or 'none'}, and still checking each reply"
            )
        elif "max_tokens" in sent and "max_tokens" in message and "max_completion_tokens" in message:
            self._limit = "max_completion_tokens"
            self._say("does not support max_tokens; using max_completion_tokens")
        elif "encoding_format" in sent and "encoding_format" in message:
            self._unknown.add("encoding_format")
            self._say("does not support encoding_format; taking vectors as lists of numbers")
        elif "both" in message and all(name in sent and name in message for name in ("temperature", "top_p")):
            self._unknown.add("top_p")
            self._say("does not support temperature and top_p together; sending requests without top_p")
        elif UNSUPPORTED.search(message) and (
            refused := {name for name in OPTIONAL if name in sent and re.search(rf"\b{name}\b", message)}
        ):
            self._unknown |= refused
            names = " and ".join(sorted(refused))
            self._say(f"does not support {names}; sending requests without {names}. config.yaml needs no change")
        else:
            return False
        return True

    def _say(self, what: str) -> None:
        logger.info("%s %s", self._name, what)


def _grammar(request: Request) -> str:
    """Return what the endpoint must compile for this request, or ""."""
    schema = request.get("response_format", {}).get("json_schema", {}).get("schema", {})
    return str(schema.get("pattern") or json.dumps(schema)) if schema else ""


def _of_text(request: Request) -> bool:
    """Return whether the reply must be a text and not an object."""
    return bool(request["response_format"].get("json_schema", {}).get("schema", {}).get("type") == "string")
