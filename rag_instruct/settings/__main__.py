"""Print config.schema.json: `python -m rag_instruct.settings > config.schema.json`."""

from rag_instruct.settings.config import json_schema

if __name__ == "__main__":
    print(json_schema())
