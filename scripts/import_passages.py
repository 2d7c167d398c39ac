"""Check a corpus and convert it to an Arrow file with random access.

python -m scripts.import_passages resources/demo/passages.tsv --output passages.arrow --info passages.json

Args:
    source: .tsv, .csv, .json, .jsonl (also .gz or .zst), .parquet or .zip, or a folder of documents
    columns: JSON object that maps id, text and title to the file's column names; default: the same names
    words: cut whole documents into passages of this many words; 0: the file contains passages
    split: how documents are cut: windows, or structure (headings, paragraphs, sentences)
    tokens_of: a model, whose tokens are counted in place of words
    revision: revision of this model on the hub
    form: JSON object: how the file is written: encoding, quoted, quote, delimiter, header, member,
        under, keyed, as in config.yaml
    output: output, .arrow
    info: output, .json: number and sha256 of the passages, and what was left out
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.importing import CUTS, import_passages
from rag_instruct.corpus.splitter import in_words
from rag_instruct.corpus.tokens import InTokens
from rag_instruct.records import Form


def main(
    source: Path,
    *,
    columns: str = "{}",
    words: int = 0,
    split: str = "windows",
    tokens_of: str | None = None,
    revision: str | None = None,
    form: str = "{}",
    output: Path,
    info: Path,
) -> None:
    cli.one_of(split, CUTS, "--split")
    named = cli.json_object(columns, "--columns", ("id", "text", "title"))
    read_as = Form(**cli.json_object(form, "--form", Form._fields))
    measure = InTokens(tokens_of, revision) if tokens_of else in_words
    import_passages(source, named, words, output, info, split, read_as, measure)


if __name__ == "__main__":
    cli.run(main)
