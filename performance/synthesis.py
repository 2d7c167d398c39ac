"""Measure answers per second from an endpoint with fixed latency, and compare with a pool of threads.

python -m performance.synthesis --requests 5000 --latency 0.2 --concurrency 256

The endpoint is tests/faulty.py on this machine, and uses a part of the CPU. The ideal is concurrency / latency. `ours`
is the code path of a stage: key, store with fsync, budget, limits, retries. `bare aiohttp` stores and checks nothing,
so it shows the machine's limit. `threads` is RAG-Instruct's method: a pool of synchronous openai clients with a list of
answers.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import openai

from performance.measure import machine, peak_memory_mb
from rag_instruct.llm import endpoints
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prices import Prices
from rag_instruct.llm.session import open_session

DOCUMENT = "Some words of a passage that a teacher is shown. " * 60  # about 3 KB, as a prompt has


def body(number: int) -> dict[str, Any]:
    """Return a request like those of the synthesis."""
    return {"messages": [{"role": "user", "content": f"{DOCUMENT} {number}"}], "max_tokens": 9}


def ours(url: str, requests: int, concurrency: int) -> None:
    """Send the requests as a stage does."""
    model = endpoints.TeacherModel("m", (endpoints.Endpoint(url),), concurrency=concurrency)
    account = BudgetAccount("measured", "synthesis", Prices(date="", models={}))

    async def session(folder: str) -> None:
        async with open_session(model, AnswerStore(Path(folder)), account) as teacher:
            await at_once(range(requests), lambda number: teacher.ask(body(number)), concurrency, "ours")
            assert teacher.bought == requests

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(session(folder))


def bare_aiohttp(url: str, requests: int, concurrency: int) -> None:
    """Send the requests with only the HTTP library that our client uses."""

    async def worker(session: aiohttp.ClientSession, numbers: Any) -> None:
        for number in numbers:
            content = json.dumps({"model": "m", **body(number)}).encode()
            async with session.post(f"{url}/chat/completions", data=content) as response:
                json.loads(await response.read())

    async def everything() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            numbers = iter(range(requests))
            await asyncio.gather(*(worker(session, numbers) for _ in range(concurrency)))

    asyncio.run(everything())


def threads(url: str, requests: int, concurrency: int) -> None:
    """Send the requests with a pool of threads and the synchronous client, like RAG-Instruct's code."""
    client = openai.OpenAI(base_url=url, api_key="no key")
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(lambda n: client.chat.completions.create(model="m", **body(n)), range(requests)))


WAYS = {way.__name__: way for way in (ours, bare_aiohttp, threads)}


def measured(way: str, arguments: argparse.Namespace) -> tuple[float, float, float]:
    """Return one method's answers per second, CPU ms per request and peak memory in MB, with a new server."""
    faulty = str(Path(__file__).parent.parent / "tests/faulty.py")
    server = [sys.executable, faulty, "--latency", str(arguments.latency)]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().strip()
        command = [sys.executable, "-m", "performance.synthesis", "--way", way, "--url", url]
        command += ["--requests", str(arguments.requests), "--concurrency", str(arguments.concurrency)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        serving.kill()
    seconds, processor, memory = map(float, said.split())
    return arguments.requests / seconds, 1000 * processor / arguments.requests, memory


def main(arguments: argparse.Namespace) -> None:
    if arguments.way:
        started, processor = time.monotonic(), time.process_time()
        WAYS[arguments.way](arguments.url, arguments.requests, arguments.concurrency)
        print(time.monotonic() - started, time.process_time() - processor, peak_memory_mb())
        return
    ideal = arguments.concurrency / arguments.latency
    print(f"{machine()}; {arguments.requests} requests, {arguments.latency} s, {arguments.concurrency} at a time")
    rates = {}
    for way in WAYS:
        runs = [measured(way, arguments) for _ in range(arguments.repeats)]
        rates[way], _, memory = max(runs)
        processor = min(run[1] for run in runs)
        print(
            f"{way:12} {rates[way]:6.0f} answers/s, {rates[way] / ideal:.2f} of the ideal, "
            f"{processor:.2f} ms of processor a request, {memory:.0f} MB"
        )
    print(
        f"ours: {rates['ours'] / ideal:.2f} of the ideal {ideal:.0f}/s, {rates['ours'] / rates['bare_aiohttp']:.2f} of "
        f"bare aiohttp, {rates['ours'] / rates['threads']:.1f} times the thread pool"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3, help="the best counts")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    main(parser.parse_args())
