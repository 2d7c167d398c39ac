"""Static pages from templates that escape what models say."""

import re
from pathlib import Path
from typing import Any

import jinja2

from rag_instruct.tables import duration, percent

HALF_PAIR = re.compile("[\ud800-\udfff]")


def render(template: Path, **shown: Any) -> str:
    """Return the template with `shown` in it. It escapes all of it, because models may write anything.

    Half a surrogate pair becomes the replacement character, because no file can hold it.
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
