"""How an endpoint wants its requests worded."""

from typing import Any, ClassVar

from rag_instruct.logs import logger

OPTIONAL = ("temperature", "top_p", "seed")  # what reasoning models refuse


class Dialect:
    """How an endpoint wants requests worded, found out from its complaints, once."""

    # The next poorer form of `response_format`. The prompts ask for JSON in words too.
    POORER: ClassVar[dict[str, str | None]] = {"json_schema": "json_object", "json_object": None}

    def __init__(self, name: str) -> None:
        self._name = name
        self._form: str | None = "json_schema"
        self._limit = "max_tokens"
        self._unknown: set[str] = set()

    def word(self, request: dict[str, Any]) -> dict[str, Any]:
        """`request` as the endpoint takes it."""
        worded = {name: value for name, value in request.items() if name not in self._unknown}
        if "max_tokens" in worded:
            worded[self._limit] = worded.pop("max_tokens")
        form = worded.get("response_format", {}).get("type")
        while form and form != self._form and self._form != "json_schema":
            form = self.POORER[form]
        if form is None:
            worded.pop("response_format", None)
        elif form == "json_object":
            worded["response_format"] = {"type": "json_object"}
        return worded

    def learn(self, sent: dict[str, Any], error: dict[str, Any]) -> bool:
        """Whether the complaint about what was sent teaches something, so that asking again makes sense."""
        message = f"{error.get('message')} {error.get('param')} {error.get('code')}".lower()
        form = sent.get("response_format", {}).get("type")
        if form and any(word in message for word in ("response_format", form, "json_schema", "guided")):
            self._form = self.POORER[form]
            self._say(f"knows no response_format {form}: asking with {self._form or 'none'}, answers are checked here")
        elif "max_tokens" in sent and "max_tokens" in message and "max_completion_tokens" in message:
            self._limit = "max_completion_tokens"
            self._say("wants max_completion_tokens")
        elif "support" in message and (refused := {name for name in OPTIONAL if name in sent and name in message}):
            self._unknown |= refused
            self._say(f"takes no {' and '.join(sorted(refused))}: remove it from `sampling` in config.yaml")
        else:
            return False
        return True

    def _say(self, what: str) -> None:
        logger.info("%s %s", self._name, what)
