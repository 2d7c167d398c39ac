"""Checks the licences of a data set's exemplars and corpus, and finds the hub's names of licences."""

from rag_instruct.errors import UserError
from rag_instruct.settings import Settings


def refuse_licences(config: Settings, name: str) -> None:
    """Raise UserError when a data set's exemplars or corpus have a licence that the data set forbids."""
    dataset = config["datasets"][name]
    licences = {f"exemplar_sets.{part}": config["exemplar_sets"][part]["license"] for part in dataset["exemplars"]}
    licences[f"corpora.{dataset['corpus']}"] = config["corpora"][dataset["corpus"]].get("license", "unknown")
    forbidden = {licence.casefold() for licence in dataset["forbidden_licenses"]}
    for place, licence in licences.items():
        if licence.casefold() in forbidden:
            raise UserError(
                f"config.yaml: {place} has the licence {licence}, which datasets.{name}.forbidden_licenses forbids: "
                "use another set or corpus, or remove the licence from that list. Nothing was run."
            )


# The names of licences that the Hugging Face hub knows (its page "Repository licenses"), except `other`.
# The hub refuses other names.
HUB = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0
lgpl lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl apple-ascl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa
unlicense zlib pddl lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 gemma unknown
"""


def hub_licence(licence: str) -> str:
    """Return the hub's name of a licence, or `other`."""
    return licence.lower() if licence.lower() in HUB.split() else "other"
