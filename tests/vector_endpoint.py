"""An OpenAI-compatible endpoint of embeddings on loopback, with the habits of real ones, that keeps the bill."""

import base64
import hashlib
import threading
import time
from contextlib import contextmanager

import numpy as np
from loopback import served

DIMENSION = 64


def vector(text, dimension=DIMENSION):
    """A text's vector: each word adds 1 at a place that follows from it."""
    found = np.zeros(dimension, np.float32)
    for word in text.lower().split():
        found[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % dimension] += 1
    return found


class VectorEndpoint:
    def __init__(self):
        self.most = 2048  # texts of a request
        self.longest = 10_000  # characters of a text
        self.base64 = True
        self.shuffled = True  # the order of `data`
        self.slow_above = 10_000  # texts of a request that is never answered
        self.headers = {}  # of every reply
        self.faults = []  # what the next replies are: statuses, or functions of the body
        self.requests = []
        self.billed = []  # texts
        self.tokens = 0
        self.keys = set()
        self._lock = threading.Lock()

    def reply(self, request, key):
        texts = request["input"]
        with self._lock:
            self.requests.append(request)
            self.keys.add(key)
            fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            return fault, {"error": {"message": f"made up {fault}"}}
        if len(texts) > self.slow_above:
            time.sleep(1.5)
        if len(texts) > self.most:
            return 422, {"error": f"batch size {len(texts)} > maximum allowed batch size {self.most}"}
        if any(len(text) > self.longest for text in texts):
            return 400, {"error": {"message": "This model's maximum context length is 8192 tokens."}}
        wants_base64 = request.get("encoding_format") == "base64"
        if wants_base64 and not self.base64:
            return 400, {"error": {"message": "encoding_format: extra inputs are not permitted"}}
        body = self._body(request["model"], texts, wants_base64)
        return 200, fault(body) if fault else body

    def _body(self, model, texts, wants_base64):
        data = [{"object": "embedding", "index": place, "embedding": None} for place in range(len(texts))]
        for one, text in zip(data, texts, strict=True):
            numbers = vector(text)
            one["embedding"] = base64.b64encode(numbers.tobytes()).decode() if wants_base64 else numbers.tolist()
        tokens = sum(len(text.split()) for text in texts)
        with self._lock:
            self.billed += texts
            self.tokens += tokens
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data[::-1] if self.shuffled else data, "model": model, "usage": usage}


@contextmanager
def vector_endpoint():
    with served(VectorEndpoint(), "/v1/embeddings") as state:
        yield state
