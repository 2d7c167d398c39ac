"""Adapts requests to the parameters that an endpoint supports."""

from typing import Any, ClassVar

from rag_instruct.llm.segments import Request
from rag_instruct.logs import logger

OPTIONAL = ("temperature", "top_p", "seed")  # parameters that reasoning models refuse


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

    def adapt(self, request: Request) -> Request:
        """Return the request without the parameters that the endpoint is known to refuse."""
        adapted = {name: value for name, value in request.items() if name not in self._unknown}
        if "max_tokens" in adapted:
            adapted[self._limit] = adapted.pop("max_tokens")
        form = adapted.get("response_format", {}).get("type")
        while form and form != self._form and self._form != "json_schema":
            form = self.POORER[form]
        if form is None:
            adapted.pop("response_format", None)
        elif form == "json_object":
            adapted["response_format"] = {"type": "json_object"}
        return adapted

    def learn(self, sent: Request, error: dict[str, Any]) -> bool:
        """Learn from the error that the endpoint returned for `sent`. Return whether to try the request again.

        Also return True if another request's error already changed how we adapt requests like `sent`.
        """
        return sent != self.adapt(sent) or self._learn(sent, error)

    def _learn(self, sent: Request, error: dict[str, Any]) -> bool:
        message = f"{error.get('message')} {error.get('param')} {error.get('code')}".lower()
        form = sent.get("response_format", {}).get("type")
        if form and any(word in message for word in ("response_format", form, "json_schema", "guided")):
            self._form = self.POORER[form]
            self._say(
                f"does not support response_format {form}; using {self._form or 'none'}, and still checking each reply"
            )
        elif "max_tokens" in sent and "max_tokens" in message and "max_completion_tokens" in message:
            self._limit = "max_completion_tokens"
            self._say("does not support max_tokens; using max_completion_tokens")
        elif "support" in message and (refused := {name for name in OPTIONAL if name in sent and name in message}):
            self._unknown |= refused
            names = " and ".join(sorted(refused))
            self._say(f"does not support {names}; sending requests without {names}. config.yaml needs no change")
        else:
            return False
        return True

    def _say(self, what: str) -> None:
        logger.info("%s %s", self._name, what)
