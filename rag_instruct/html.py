"""Make static pages from templates, and escape the text of models."""

import re
from pathlib import Path
from typing import Any

import jinja2

from rag_instruct.tables import duration, percent

HALF_PAIR = re.compile("[\ud800-\udfff]")


def render(template: Path, **shown: Any) -> str:
    """Return the page: the template filled with `shown`. All values are escaped, because models may write anything.

    Half a surrogate pair becomes the replacement character, because UTF-8 cannot encode it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": "{:,}".format, "percent": percent, "duration": duration}
    return HALF_PAIR.sub("\ufffd", environment.get_template(template.name).render(shown))
