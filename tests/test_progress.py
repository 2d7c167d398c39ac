"""The progress of a run: what it counts, and what a person sees of it on a terminal."""

import io
import logging
import os
import re
import signal
import socket
import sys
import termios
import time

import pytest
from conftest import ROOT, Project
from faulty import Running
from rich.console import Console
from screen import Terminal
from snakemake.logging import ColorizingTextHandler
from stage import KEY

from rag_instruct.graph.captured import Parted, speak_in_whole_messages
from rag_instruct.graph.display import duration, most_telling, picture, size_of
from rag_instruct.graph.progress import Job, Run, Spending
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.session import account_of
from rag_instruct.settings.config import read_config

RULES = ["load", "search", "write", "merge"]
REPORT = "results/rag_instruct_demo/exemplars/report.md"  # five sets are loaded, then one job after another
PAID = {"exemplars_a_request": 1, "paradigms": {"single_doc_answer": 5}, "budget": {"dollars": 3}}
TEACHER = {"price": {"input": 200.0, "output": 1000.0}, "concurrency": 2}
KEPT = "results/paid/exemplars/kept.jsonl"


class Clock:
    """Stands still unless it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def run():
    """Two loads, four searches and a merge, of which nothing has begun."""
    jobs = [Job(1, "load", "a"), Job(2, "load", "b"), *(Job(n, "search", f"x {n:02}") for n in range(3, 7))]
    return Run([*jobs, Job(7, "merge", "")], RULES, Clock())


def say(run, event, after=0.0, **said):
    run.clock.now += after
    run.take(logging.makeLogRecord({"event": event, **said}))


def text(run, bars=None, money="0.00 dollars", width=100, height=30):
    console = Console(width=width, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(picture(run, bars or {}, money, width, height))
    return console.export_text()


def test_jobs_rates_and_what_is_left(run):
    assert list(run.stages) == ["load", "search", "merge"], "in the order of the rules, those without jobs left out"
    say(run, "job_started", jobs=[1, 2])
    say(run, "job_finished", 10, job_id=1)
    assert run.stages["load"].rate(run.clock()) == 0.1
    assert run.left() == (10.0, 2)
    say(run, "job_finished", 10, job_id=2)
    say(run, "job_started", 1000, jobs=[3, 4])  # nobody worked for 1,000 seconds, which is no stage's
    say(run, "job_finished", 5, job_id=3)
    say(run, "job_finished", 5, job_id=4)
    assert run.stages["load"].rate(run.clock()) == 0.1
    assert run.stages["search"].rate(run.clock()) == 0.2
    assert run.left() == (10.0, 1)
    assert (run.done, run.total) == (4, 7)


def test_a_failed_job_is_counted_until_it_is_tried_again(run):
    say(run, "job_started", jobs=[1, 2])
    say(run, "job_finished", 10, job_id=2)
    say(run, "job_error", 10, jobid=1, log=["logs/load/a.log"])
    assert run.stages["load"].failed == {1: "load a, see logs/load/a.log"}
    assert run.stages["load"].left(run.clock()) == 0.0, "what has failed is not waited for"
    assert "failed: load a, see logs/load/a.log" in text(run)
    assert "1 of 7 jobs, 1 failed, 0:00:20" in text(run)
    say(run, "job_started", jobs=[1])
    assert run.stages["load"].failed == {}
    assert run.stages["load"].at_work == {1: "a"}
    say(run, "job_error", jobid=1, log=[])
    say(run, "job_started", jobs=[1])
    say(run, "job_finished", job_id=1)
    assert (run.stages["load"].done, run.stages["load"].failed) == (2, {})


def test_other_records_and_groups_of_jobs_change_nothing(run):
    say(run, "job_started", jobs=["0c7a-group"])
    say(run, None)
    run.take(logging.makeLogRecord({"msg": "Building DAG of jobs..."}))
    assert run.done == 0
    assert not any(stage.at_work for stage in run.stages.values())


def test_the_picture(run):
    say(run, "job_started", jobs=[1, 2])
    say(run, "job_finished", 30, job_id=1)
    lines = text(run, {"b reading": "b reading: 5it [00:01, 5.0it/s]"}, width=80).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "stage jobs rate left at work",
        "load 1/2 2.0/min 0:00:30 1: b",
        "search 0/4",
        "merge 0/1",
        "b reading: 5it [00:01, 5.0it/s]",
        "1 of 7 jobs, 0:00:30, 0:00:30 left and 2 stages of unknown time",
        "0.00 dollars",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("height", [4, 8, 30])
def test_the_picture_fits_the_window(run, width, height):
    say(run, "job_started", jobs=[1, 2, 3, 4])
    say(run, "job_error", jobid=1, log=["logs/" + "long/" * 50])
    lines = text(
        run, {f"bar {n}": f"bar {n}: {'#' * 90}" for n in range(9)}, "dollars " * 20, width, height
    ).splitlines()
    assert all(len(line) <= width for line in lines)
    if height == 30:
        assert len(lines) == 1 + 3 + 1 + 3 + 2, "heads, stages, a failure, a bar for each job at work, run and money"
    assert lines[1].startswith("load")


def test_a_long_name_of_a_bar_leaves_its_numbers_on_the_screen(run):
    say(run, "job_started", jobs=[1])
    name, numbers = "demo_single_doc_answer_01 single_doc_answer", ":  67%|██████▋   | 6/9 [00:49<00:20,  6.89s/it]"
    assert f"…r_01 single_doc_answer{numbers}" in text(run, {name: name + numbers}, width=70)
    assert f"{name}{numbers}" in text(run, {name: name + numbers}, width=100)


def test_in_a_low_window_stages_at_work_come_first_and_the_others_are_counted(run):
    say(run, "job_started", jobs=[1, 2])
    for number in (1, 2):
        say(run, "job_finished", 1, job_id=number)
    say(run, "job_started", jobs=[7])
    assert [stage.rule for stage in most_telling(list(run.stages.values()), 1)] == ["merge"]
    assert [stage.rule for stage in most_telling(list(run.stages.values()), 2)] == ["search", "merge"]
    assert "2 more stages" in text(run, height=4)
    assert "load" in text(run, height=None), "when all is over, all is shown"


def test_durations():
    assert [duration(seconds) for seconds in (59.6, 3600, 90000)] == ["0:01:00", "1:00:00", "1 day, 1:00:00"]


@pytest.mark.parametrize(
    "bar",
    [
        "single_doc_answer:  67%|██████▋   | 6/9 [00:49<00:20,  6.89s/it]",
        "reading a.json: 100%|##########| 4.88k/4.88k [00:00<00:00, 8.10MB/s]",
        "embedding: 12 passages [00:03, 4.0 passages/s]",
        "reading:   0%|          | 0.00/6.42k [00:00<?, ?B/s]",
        "training:   3%|▎         | 9/300 [1:02:03<30:00:00, 413s/step, loss=0.3]",
    ],
)
def test_bars_are_told_from_messages(bar):
    name = bar.split(":")[0]
    parted = Parted()
    assert parted.lines(f"\r{bar}".encode()) == []
    assert parted.bars == {name: bar}
    assert parted.lines(b"error: no room\n") == ["error: no room"], "a message that follows the bar on its line"
    assert parted.bars == {name: bar}
    assert parted.lines(f"\r{bar}\n".encode()) == []
    assert parted.bars == {}, "its line has ended, and so has it"


def test_parts_of_the_stream_are_put_together():
    said = (
        "\rone: 10%|█ | 1/9 [00:01<00:02, 1it/s]\rtwo: 3it [00:01, 1it/s]\n[Wed Nov 25 07:49:39 2026]\nerror: é\nlast"
    )
    for size in range(1, 40):
        raw, parted = said.encode(), Parted()
        lines = [line for at in range(0, len(raw), size) for line in parted.lines(raw[at : at + size])]
        assert [*lines, *parted.lines(b"", last=True)] == ["[Wed Nov 25 07:49:39 2026]", "error: é", "last"]
        assert parted.bars == {"one": "one: 10%|█ | 1/9 [00:01<00:02, 1it/s]"}


def test_a_message_with_a_time_is_no_bar():
    said = ["10:00 warning: slow [12:30, see the log]", "see: [00:01] and [00:02]", "loss: 0.3 [3:20]"]
    assert Parted().lines("".join(f"{line}\n" for line in said).encode()) == said


def snakemake(project, *arguments, columns=100, rows=40, **environment):
    """Snakemake in a terminal, by the command that the environment's bin has, as people call it."""
    command = [os.path.join(os.path.dirname(sys.executable), "snakemake"), *arguments]  # noqa: PTH118, PTH120
    return Terminal(command, project.folder, project.environment(**environment), columns, rows)


def table(screen):
    """Stage -> what the last table says of it, and the lines below it."""
    lines = screen[screen.rindex("\nstage ") :].splitlines()[2:]
    rows = [re.match(r"([a-z ]+?) +(\d+/\d+)(.*)", line) for line in lines]
    below = [line for line, row in zip(lines, rows, strict=True) if not row]
    return {row[1]: (row[2] + row[3]).split("━")[0].split() for row in rows if row}, below


@pytest.fixture(scope="module")
def bought(tmp_path_factory):
    """A run on a terminal in which a teacher is paid, which takes its time; its pictures."""
    project = Project(tmp_path_factory.mktemp("paid"))
    with Running("--latency", 0.4) as served:
        project.pay(served.base_url, PAID, TEACHER)
        terminal = snakemake(project, "--cores", "2", "--", KEPT, TEST_KEY=KEY)
        settings = termios.tcgetattr(terminal.terminal)
        assert terminal.wait() == 0, terminal.scrolled
        assert termios.tcgetattr(terminal.terminal) == settings
        yield project, terminal


@pytest.mark.slow
def test_a_run_ends_with_a_table_of_its_stages(bought):
    _, terminal = bought
    rows, below = table(terminal.text)
    assert {stage: row[0] for stage, row in rows.items()} == {
        "load exemplars": "2/2",
        "draw exemplars": "1/1",
        "filter exemplars by teacher": "1/1",
    }
    assert all(re.fullmatch(r"[\d.]+/(s|min|h)", row[1]) for row in rows.values())
    assert re.fullmatch(r"4 of 4 jobs, 0:0\d:\d\d", below[0])
    assert terminal.cursor_is_visible


@pytest.mark.slow
def test_the_money_on_the_screen_is_the_stores(bought):
    project, terminal = bought
    spent, requests = account_of(settings_in(project.folder), "paid", "").spent(AnswerStore(project.folder / "answers"))
    assert spent > 0
    assert requests > 10
    said = f"{spent:.2f} dollars and {requests} requests in this run; paid in all: {spent:.2f} of 3"
    assert table(terminal.text)[1][1] == said
    rising = [float(found) for seen in terminal.seen for found in re.findall(r"([\d.]+) dollars and", seen)]
    assert rising == sorted(rising)
    assert rising[0] == 0.0


def settings_in(folder):
    """The settings that the Snakefile hands on to its jobs."""
    settings = read_config(folder)
    return settings | {"prices": str(folder / settings["prices"])}


@pytest.mark.slow
def test_bars_and_messages_of_jobs_stay_whole(bought):
    _, terminal = bought
    lines = terminal.scrolled.splitlines()
    for message in ("demo_alpaca: 15 records, 15 instructions; left out: {}", "demo_lmsys: 12 drawn of 15 wanted:"):
        assert [line.startswith(message) for line in lines].count(True) == 1, terminal.scrolled
    assert lines.count(next(line for line in lines if line.startswith("stage "))) == 1, "no torn table is left behind"
    bars = [line for seen in terminal.seen for line in seen.splitlines() if "judging exemplars: " in line]
    assert len({re.search(r"(\d+)%\|", bar)[1] for bar in bars}) > 3, "it moved"
    assert all(bar.startswith("paid judging exemplars: ") for bar in bars), "the job, and then what it does"
    assert "judging exemplars" not in terminal.scrolled, "bars of ended jobs are gone"
    assert "steps" not in terminal.scrolled, "what the table says is not said twice"


@pytest.mark.slow
def test_a_second_run_counts_only_what_is_left_and_nothing_new_is_spent(bought):
    project, terminal = bought
    first = table(terminal.text)[1][1].split("; ")[1]
    (project.folder / KEPT).unlink()
    again = snakemake(project, "--cores", "1", "--", KEPT, TEST_KEY=KEY)
    assert again.wait() == 0, again.scrolled
    rows, below = table(again.text)
    assert {stage: row[0] for stage, row in rows.items()} == {"filter exemplars by teacher": "1/1"}
    assert below[1] == f"0.00 dollars and 0 requests in this run; {first}"


def test_a_failed_job_is_named_with_its_log_and_what_to_do_in_a_narrow_window(project):
    project.edit("resources/demo/exemplars/alpaca.json", '"instruction"', '"prompt"')
    terminal = snakemake(project, "--cores", "2", "--", REPORT, columns=40, rows=20)
    assert terminal.wait() == 1
    said = re.sub(r"\s", "", terminal.scrolled)  # a narrow window breaks lines, also at blanks
    for part in (
        "error: resources/demo/exemplars/alpaca.json, line 2, record 1: not of the schema of demo_alpaca",
        "give the right `schema` or `fields` in config.yaml, or correct the file",
    ):
        assert part.replace(" ", "") in said
    rows, below = table(terminal.scrolled)
    assert rows["load exemplars"] == ["4/5", "1", "failed"]
    assert rows["report exemplars"] == ["0/1"]
    joined = "".join(below)  # a window of 40 columns breaks long paths
    assert "results/logs/load_exemplars/demo_alpaca.log" in joined
    assert "failed: load_exemplars demo_alpaca, see" in joined
    assert "4 of 8 jobs, 1 failed" in joined
    assert terminal.scrolled.count("\nstage ") == 1
    assert terminal.cursor_is_visible


def test_a_message_of_snakemakes_is_written_at_once():
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # a datagram a write
    unbuffered = io.TextIOWrapper(open(writing.fileno(), "wb", 0, closefd=False), write_through=True)  # noqa: SIM115
    handler = ColorizingTextHandler(nocolor=True, stream=unbuffered)
    record = logging.makeLogRecord({"msg": "Terminating\nprocesses", "levelno": logging.INFO, "levelname": "INFO"})
    handler.emit(record)
    assert [reading.recv(1000), reading.recv(1000)] == [b"Terminating\nprocesses", b"\n"], "there is a need for it"
    speak_in_whole_messages(handler)
    handler.emit(record)
    assert reading.recv(1000) == b"Terminating\nprocesses\n"


def test_ctrl_c_ends_the_run_in_order_and_gives_the_terminal_back(project):
    with Running("--latency", 2) as served:
        project.pay(served.base_url, PAID, TEACHER)
        terminal = snakemake(project, "--cores", "2", "--", KEPT, TEST_KEY=KEY)
        terminal.until("paid judging exemplars: ")
        terminal.interrupt()
        assert terminal.wait() != 0
        bill = served.bill()
    assert "interrupted: waiting for the requests in flight" in terminal.scrolled
    rows, below = table(terminal.text)
    assert rows["filter exemplars by teacher"][0] == "0/1"
    assert terminal.cursor_is_visible
    bought = sum(1 for path in (project.folder / "answers").glob("*.jsonl") for _ in path.open())
    assert bought >= 1
    assert f" and {bought} requests in this run" in below[-1], bill


def test_without_a_terminal_all_is_plain_lines(project):
    ran = project.snakemake(
        "--cores", "2", "--", *(f"results/exemplar_sets/demo_{name}.json" for name in ("alpaca", "lmsys"))
    )
    assert ran.returncode == 0, ran.stdout
    assert "\x1b" not in ran.stdout
    assert "2 of 2 steps (100%) done" in ran.stdout
    assert "at work" not in ran.stdout


@pytest.mark.parametrize("options", [["-n"], ["--quiet", "all"], ["--quiet", "progress"]])
def test_dry_runs_and_quiet_ones_show_no_table(project, options):
    target = (
        "results/rag_instruct_demo/cost_preview.json" if "all" in options else "results/exemplar_sets/demo_alpaca.json"
    )
    terminal = snakemake(project, "--cores", "1", *options, "--", target)
    assert terminal.wait() == 0, terminal.scrolled
    assert all("at work" not in seen for seen in terminal.seen)
    assert ("This was a dry-run" in terminal.scrolled) == ("-n" in options)
    assert ("spent on rag_instruct_demo so far" in terminal.scrolled) == ("all" in options)


OUTLIVED = """
import os, subprocess, sys, time
from rag_instruct.graph.captured import Captured
print("before", flush=True)
captured = Captured()
captured.take()
child = "import os, sys, time; os.setsid(); [print('word', n, file=sys.stderr, flush=True) or time.sleep(0.02) for n in range(100)]; open('ended', 'w')"
subprocess.Popen([sys.executable, "-c", child])
while len(captured.news()) < 1: time.sleep(0.01)
os.write(captured.terminal, b"writes")
time.sleep(60)
"""


@pytest.mark.slow
def test_a_job_that_outlives_a_killed_run_can_go_on_writing(tmp_path):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    terminal = Terminal([sys.executable, "-c", OUTLIVED], tmp_path, env)
    terminal.until("writes")
    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.process.wait()
    end = time.monotonic() + 30
    while not (tmp_path / "ended").exists():
        assert time.monotonic() < end, "the job has died of its own words"
        time.sleep(0.1)


def test_nothing_bought_is_no_money(tmp_path):
    settings = settings_in(ROOT) | {"answers": str(tmp_path / "answers")}
    spending = Spending(settings, ["rag_instruct_demo"])
    spending.look()
    assert spending.words == "0.00 dollars and 0 requests in this run; rag_instruct_demo in all: 0.00"
    assert not (tmp_path / "answers").exists(), "nor is anything made by looking"


def test_a_broken_price_file_stops_no_run_that_buys_nothing(tmp_path):
    settings = settings_in(ROOT) | {"answers": str(tmp_path / "answers")}
    (tmp_path / "prices.yaml").write_text("models: {}")
    spending = Spending(settings | {"prices": str(tmp_path / "prices.yaml")}, ["rag_instruct_demo"])
    spending.look()
    assert re.match(r"dollars: not known, .*prices.yaml: .*the key 'date' is missing", spending.words)


def test_a_store_that_cannot_be_read_stops_no_run(tmp_path):
    (tmp_path / "answers").write_text("a file in place of the folder")
    settings = settings_in(ROOT) | {"answers": str(tmp_path / "answers" / "inner")}
    spending = Spending(settings, ["rag_instruct_demo"])
    spending.look()
    spending.close()
    assert "dollars" in spending.words


def test_a_message_with_a_windows_line_end_is_shown():
    text = b"error: the body\r\nsays no\r\n"
    assert Parted().lines(text) == ["error: the body", "says no"]
    parted = Parted()
    assert [line for byte in text for line in parted.lines(bytes([byte]))] == ["error: the body", "says no"]


def test_a_terminal_without_a_size_counts_as_a_usual_one():
    ends = os.openpty()
    try:
        assert os.get_terminal_size(ends[1]) == (0, 0)
        assert size_of(ends[1]) == (80, 24)
        termios.tcsetwinsize(ends[1], (30, 100))
        assert size_of(ends[1]) == (100, 30)
    finally:
        for end in ends:
            os.close(end)
