"""Checks the licences of a data set's exemplars and corpus."""

from rag_instruct.errors import UserError
from rag_instruct.settings import Settings


def refuse_licences(config: Settings, name: str) -> None:
    """Raise UserError when a data set's exemplars or corpus have a licence that it forbids."""
    dataset = config["datasets"][name]
    licences = {f"exemplar_sets.{part}": config["exemplar_sets"][part]["license"] for part in dataset["exemplars"]}
    licences[f"corpora.{dataset['corpus']}"] = config["corpora"][dataset["corpus"]].get("license", "unknown")
    for place, licence in licences.items():
        if licence in dataset["forbidden_licenses"]:
            raise UserError(
                f"config.yaml: {place} has the licence {licence}, which datasets.{name}.forbidden_licenses forbids: "
                "use another set or corpus, or remove the licence from that list. Nothing was run."
            )
