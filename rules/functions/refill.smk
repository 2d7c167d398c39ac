# Functions for rules/refill.smk: they look up files and settings by wildcards.

from rag_instruct.dataset.refill_budget import budget_param


def evidence_before_refill(wildcards):
    """Return the file of the rows' bits if they drop rows or change their paradigm, or else nothing."""
    if dataset(wildcards)["evidence"]["failing"] == "keep" or not evidence(wildcards):
        return []
    return rules.measure_before_refill.output[0].format(dataset=wildcards.dataset)


@readable_errors()
def budget_of_refill(wildcards):
    """Return a param that changes when the refill ran out of its budget and config.yaml has another one now."""
    note = Path(f"results/{wildcards.dataset}/pairs/refill.budget.json")
    return budget_param(note, dataset(wildcards)["budget"])


def prompts_of_paradigms(wildcards):
    settings = dataset(wildcards)
    return [own(f"resources/prompts/{settings['prompts']}/{name}.yaml") for name in wanted(settings)]


def quotas_of_paradigms(wildcards):
    """Return the rows of each exemplar set by paradigm as JSON."""
    settings = dataset(wildcards)
    return json.dumps({name: quotas(settings, name) for name in wanted(settings)})
