"""Answers of a checkpoint: prompts as in training, what fits, batches, what a kill leaves, and bad models."""

import json
import os
import shutil
import signal
import sys
import time
import types
from pathlib import Path

import forked
import pytest
from conftest import ROOT
from tiny import model_folder

from rag_instruct.errors import UserError
from rag_instruct.evaluation.generation import Generation, answer, batches
from rag_instruct.evaluation.questioning import Task, tasks, wording
from rag_instruct.files import read_jsonl
from rag_instruct.jobs import write_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.models import engines
from rag_instruct.models.chat import prompt_ids
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import Generated, Transformers, engine_of, identity, longest_of, tokenizer_of
from rag_instruct.models.templates import DEFAULT, STYLES, style_of
from rag_instruct.record_files import write_records
from rag_instruct.schema import Question
from rag_instruct.training.rows import Renderer

GREEDY = Decoding(max_new_tokens=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("model"))


def generation(folder, decoding=GREEDY, longest=512, seed=1):
    return Generation(identity(str(folder), None), tokenizer_of(str(folder), None), longest, decoding, seed)


class Counting:
    """An engine that says what it was given, and may die."""

    batch_tokens, batch_rows = 400, 3

    def __init__(self, dies_after=99):
        self.asked, self.dies_after = [], dies_after

    def generate(self, prompts, decoding, seed):
        if len(self.asked) == self.dies_after:
            raise KeyboardInterrupt
        self.asked.append(prompts)
        return [Generated(f"answer {sum(prompt)}", True) for prompt in prompts]


def some_tasks(count=10):
    return [Task(f"q{n}", f"What is {'very ' * (n % 4)}number {n}?", (f"T\ntext {n}",)) for n in range(count)]


def test_the_prompt_is_one_of_the_training_and_written_alike(folder):
    """The same ids as a training row in the style that the evaluation uses, up to the answer."""
    assert DEFAULT in STYLES
    made = generation(folder)
    task = Task("q", "What is it?", ("T\none", "T\ntwo"))
    row = {"question": task.question, "answer": "It is.", "documents": list(task.documents)}
    ids = next(number for number in range(1000) if style_of(str(number), "1") == DEFAULT)
    example = Renderer(made.tokenizer, 512, "1").example({"id": str(ids), **row})
    prompt = made.fitted(task).ids
    assert example.input_ids[: len(prompt)] == prompt
    assert example.labels[len(prompt) - 1] == -100 != example.labels[len(prompt)]


def test_documents_that_do_not_fit_go_from_the_last_and_are_counted(folder):
    long = Task("q", "What is it?", tuple(f"T\n{'word ' * 60}" for _ in range(6)))
    made = generation(folder, longest=512).fitted(long)
    assert 0 < made.documents < 6
    assert len(made.ids) <= 512 - GREEDY.max_new_tokens
    assert generation(folder, longest=512).tokenizer.decode(made.ids).count("Document ") == made.documents


def test_a_question_that_does_not_fit_is_a_failure_and_not_lost(folder, tmp_path):
    asked = [Task("long", "word " * 600, ()), Task("short", "What?", ())]
    outputs = answer(asked, generation(folder), Counting, AnswerStore(tmp_path), "set")
    assert [(row["id"], row["finish_reason"]) for row in outputs] == [("long", "failed"), ("short", "stop")]
    assert "leaves no room" in outputs[0]["failure"]


def test_choices_are_listed_and_how_to_answer_is_said():
    choice = Question("q", "Which?", ("B",), choices=(("A", "Main"), ("B", "Rhine")))
    assert wording(choice) == "Which?\nA. Main\nB. Rhine\nAnswer with the letter of the right option."
    closed = Question("q", "Is it?", ("yes",), choices=(("yes", "yes"), ("no", "no"), ("maybe", "maybe")))
    assert wording(closed) == "Is it?\nAnswer yes, no or maybe."


def test_a_rerun_generates_only_what_is_missing_in_the_same_batches(folder, tmp_path):
    asked, made = some_tasks(), generation(folder)
    whole = Counting()
    expected = answer(asked, made, lambda: whole, AnswerStore(tmp_path / "whole"), "set")
    assert 1 < len(whole.asked) < 10
    with pytest.raises(KeyboardInterrupt):
        answer(asked, made, lambda: Counting(dies_after=2), AnswerStore(tmp_path / "cut"), "set")
    rest = Counting()
    assert answer(asked, made, lambda: rest, AnswerStore(tmp_path / "cut"), "set") == expected
    assert rest.asked == whole.asked[2:]
    never = pytest.fail
    assert answer(asked, made, never, AnswerStore(tmp_path / "cut"), "set") == expected, "all kept: nothing is loaded"
    more = Counting()
    answer([*asked, Task("new", "Another?", ())], made, lambda: more, AnswerStore(tmp_path / "cut"), "set")
    assert sum(map(len, more.asked)) == 1


def test_other_weights_decoding_or_documents_are_other_answers(folder, tmp_path):
    other = model_folder(tmp_path / "other", family="smollm2")
    keys = {
        generation(folder).fitted(some_tasks()[0]).key,
        generation(other).fitted(some_tasks()[0]).key,
        generation(folder, Decoding(8, 0.5, 0.9)).fitted(some_tasks()[0]).key,
        generation(folder, Decoding(8, 0.5, 0.9), seed=2).fitted(some_tasks()[0]).key,
        generation(folder).fitted(some_tasks()[0]._replace(documents=())).key,
    }
    assert len(keys) == 5
    before = identity(str(folder), None)
    (folder / "training_summary.json").write_text("{}")
    assert identity(str(folder), None) == before, "what says nothing about the weights does not count"
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    before = identity(str(copy), None)
    (copy / "vocab.json").write_text("{}")
    assert identity(str(copy), None) == before, "tokenizer.json already says all tokens"
    (copy / "tokenizer.json").unlink()
    without = identity(str(copy), None)
    (copy / "vocab.json").write_text('{"a": 1}')
    assert identity(str(copy), None) != without, "without it, the vocabulary decides"


def test_batches_have_every_prompt_once_within_the_bounds(folder):
    prompts = [generation(folder).fitted(task) for task in [*some_tasks(20), *some_tasks(3)]]
    cut = list(batches(prompts, Counting(), 8))
    assert sorted(p.task.id for batch in cut for p in batch) == sorted(task.id for task in some_tasks(20))
    for batch in cut:
        longest = max(len(prompt.ids) for prompt in batch) + 8
        assert len(batch) <= 3
        assert len(batch) == 1 or len(batch) * longest <= 400


def test_transformers_answers_alike_alone_and_in_a_padded_batch(folder):
    made = generation(folder)
    engine = Transformers(str(folder), made.tokenizer, None)
    prompts = [made.fitted(task).ids for task in some_tasks(4)]
    assert len(set(map(len, prompts))) > 1
    together = engine.generate(prompts, GREEDY, 1)
    assert together == [engine.generate([prompt], GREEDY, 1)[0] for prompt in prompts]
    drawn = Decoding(8, temperature=2.0, top_p=0.9)
    assert engine.generate(prompts, drawn, 1) == engine.generate(prompts, drawn, 1)
    assert engine.generate(prompts, drawn, 1) != engine.generate(prompts, drawn, 2)


def test_a_models_own_settings_of_generation_do_not_change_the_decoding(folder, tmp_path):
    """Greedy is greedy: also for a model whose settings sample, punish repetitions, or ask for a least length."""
    odd = tmp_path / "odd"
    shutil.copytree(folder, odd)
    settings = json.loads((odd / "generation_config.json").read_text())
    odd_settings = {"do_sample": True, "temperature": 5.0, "repetition_penalty": 9.0, "min_new_tokens": 19, "top_k": 3}
    odd_settings |= {"num_beams": 2, "no_repeat_ngram_size": 1, "bad_words_ids": [[7]], "max_length": 5}
    (odd / "generation_config.json").write_text(json.dumps(settings | odd_settings))
    tokenizer = tokenizer_of(str(folder), None)
    prompts = [prompt_ids(tokenizer, f"Question {number}?") for number in range(3)]
    plain, same = (Transformers(str(one), tokenizer, None).generate(prompts, Decoding(20), 1) for one in (folder, odd))
    assert same == plain


def test_the_channels_of_a_model_with_thoughts_stay_in_its_answer(folder):
    """gpt-oss marks them by special tokens. Without them, thoughts would be scored as the answer."""
    tokenizer = tokenizer_of(str(folder), None)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|channel|>", "<|message|>"]})
    said = "<|channel|>analysis<|message|>Is it Rome? No.<|channel|>final<|message|>Paris"
    ids = tokenizer(said, add_special_tokens=False)["input_ids"]
    engine = Transformers(str(folder), tokenizer, None)
    assert engine._read([*ids, tokenizer.eos_token_id]) == Generated(said, True)
    assert Transformers(str(folder), tokenizer_of(str(folder), None), None)._read(ids[:0]) == Generated("", False)


def test_vllm_is_taken_where_there_are_it_and_a_gpu(folder, monkeypatch):
    """Against a module with vLLM's calls; no GPU was at hand for the real one."""
    said = {}

    class LLM:
        def __init__(self, **settings):
            said.update(settings)

        def generate(self, prompts, sampling, use_tqdm):
            said.update(prompts=prompts, sampling=sampling)
            done = types.SimpleNamespace(text=" yes ", finish_reason="stop")
            return [types.SimpleNamespace(outputs=[done]) for _ in prompts]

    module = types.SimpleNamespace(LLM=LLM, SamplingParams=lambda **settings: settings)
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setattr(engines, "find_spec", lambda name: name == "vllm")
    monkeypatch.setattr(engines.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(engines.torch.cuda, "device_count", lambda: 2)
    engine = engine_of(str(folder), tokenizer_of(str(folder), None), None)
    assert engine.generate([[1, 2]], Decoding(5), 1) == [Generated("yes", True)]
    assert (said["model"], said["tensor_parallel_size"]) == (str(folder), 2)
    assert said["prompts"] == [{"prompt_token_ids": [1, 2]}]
    assert said["sampling"]["temperature"] == 0
    assert said["sampling"]["max_tokens"] == 5


def test_a_folder_without_tokenizer_or_weights_and_an_unknown_model(folder, tmp_path):
    bare = model_folder(tmp_path / "bare")
    for path in bare.glob("*token*"):
        path.unlink()
    with pytest.raises(UserError, match=r"the tokenizer of model .*bare"):
        tokenizer_of(str(bare), None)
    (bare / "model.safetensors").unlink()
    with pytest.raises(UserError, match="no weights in this folder"):
        identity(str(bare), None)
    with pytest.raises(UserError, match="nowhere"):
        tokenizer_of(str(tmp_path / "nowhere"), None)
    assert longest_of(str(folder), None) == 512


def test_documents_of_other_questions_are_refused(tmp_path):
    (tmp_path / "d.jsonl").write_text('{"id": "other", "documents": []}\n')
    with pytest.raises(UserError, match="the ids of the 1 rows do not match those of the 1 questions"):
        tasks([Question("q", "What?", ("x",))], tmp_path / "d.jsonl")


@pytest.mark.slow
def test_sigkill_costs_one_batch(folder, tmp_path):
    """The command itself, killed once something is kept, and run again: the same bytes as undisturbed."""
    count = 48  # three batches
    write_records(tmp_path / "questions.jsonl", [Question(t.id, t.question, ("x",)) for t in some_tasks(count)])

    def started(name):
        answers = tmp_path / f"answers_{name}"
        arguments = f"{tmp_path}/questions.jsonl --model {folder} --max-new-tokens 60 --decoding greedy --dataset set"
        settings = write_settings({"answers": str(answers)}, tmp_path)
        arguments += f" --output {tmp_path}/{name}.jsonl --settings {settings}"
        given = {"PYTHONPATH": str(ROOT), **forked.AS_PRELOADED}
        job = forked.start("scripts.generate_local", arguments.split(), ROOT, os.environ | given)
        return job, answers / "generated"

    whole, _ = started("whole")
    said = whole.communicate()[0]
    assert whole.returncode == 0, said
    cut, kept = started("cut")
    while not (lines := sum(len(path.read_bytes().splitlines()) for path in kept.glob("*.jsonl"))):
        assert cut.poll() is None
        time.sleep(0.002)
    cut.send_signal(signal.SIGKILL)
    assert cut.wait() == -signal.SIGKILL
    assert not (tmp_path / "cut.jsonl").exists(), "it ended before it was killed"
    assert lines <= len(AnswerStore(kept)) < count
    again, _ = started("cut")
    said = again.communicate()[0]
    assert again.returncode == 0, said
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert len(AnswerStore(kept)) == count
    segments = sorted(path.read_text().count("\n") for path in kept.glob("*.jsonl"))
    assert sum(segments) == count, "nothing was generated twice"
    assert len(list(read_jsonl(tmp_path / "cut.jsonl"))) == count
