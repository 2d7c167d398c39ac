"""Formats the preview of costs for the terminal."""

from collections.abc import Sequence
from dataclasses import asdict, fields

from rag_instruct.costs.estimate import Estimate
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.prices import ADD_PRICE
from rag_instruct.tables import NOTHING, formatted, text

COUNTS = {
    "stored": "in store",
    "requests": "to buy",
    "least": "at least",
    "most": "at most",
    "prompt_tokens": "tokens in",
    "completion_tokens": "tokens out",
}
DOLLARS = {"dollars": "dollars", "batch_dollars": "in batches"}


def preview_table(
    estimates: Sequence[Estimate], spent: tuple[float, int], account: BudgetAccount, refilled: bool
) -> str:
    """Return a table of the estimates and their sums, with what is spent so far and the budget.

    `spent` are the dollars and the requests. `refilled` says whether dropped rows of the data set are replaced.
    """
    import pandas as pd

    table = pd.DataFrame(map(asdict, estimates), columns=[field.name for field in fields(Estimate)])
    table["stage"] = table["stage"].where(table["counted"], "~ " + table["stage"])
    numbers = table[[*COUNTS, *DOLLARS]]
    table = pd.concat([table[["stage", "model"]], numbers], axis=1)
    table.loc[len(table)] = ["total", "", *numbers.astype(float).sum(skipna=False)]
    formats = dict.fromkeys(COUNTS, "{:,.0f}".format) | dict.fromkeys(DOLLARS, "{:,.2f}".format)
    caps = {"dollars": account.dollars, "requests": account.requests}
    budget = " and ".join(f"{cap:,g} {name}" for name, cap in caps.items() if cap is not None)
    lines = [
        text(formatted(table, formats).rename(columns=COUNTS | DOLLARS)),
        f"spent on {account.data_set} so far: {spent[0]:,.2f} dollars, {spent[1]:,} requests",
        f"budget: {budget or 'none (set `budget` in config.yaml)'}; prices of {account.prices.date}",
    ]
    if not all(one.counted for one in estimates):
        lines.append("~ assumed: the stage's inputs are missing or stale. Make them, then run this preview again.")
    if refilled:
        lines.append("Refill is not included: only the refill itself finds how many rows it must replace.")
    if numbers.isna().any(axis=None):
        lines.append(f"A cell with {NOTHING} has no known price: {ADD_PRICE}.")
    return "\n".join(lines)
