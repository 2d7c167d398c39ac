"""Upload a data set's folder to the Hugging Face hub. The data set is private unless you give --public.

python -m scripts.push results/rag_instruct_40k/hub --to me/my-rag-instruct

Args:
    folder: results/<dataset>/hub
    to: id of the data set on the hub, <owner>/<name>
    public: create a public data set
"""

from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.logs import logger


def push(folder: Path, to: str, public: bool) -> str:
    """Upload the folder as one commit and return the data set's address. The data set is created if necessary.

    Raises UserError if the folder has no card, or if the hub refuses.
    """
    if not (folder / "README.md").is_file():
        raise UserError(f"{folder} has no README.md: make it first, with snakemake --cores 1 {folder}/README.md")
    api = HfApi()
    try:
        url = api.create_repo(to, repo_type="dataset", private=not public, exist_ok=True)
        api.upload_folder(repo_id=to, folder_path=folder, repo_type="dataset", commit_message=f"Upload {to}")
    except LocalTokenNotFoundError as error:
        raise UserError("the hub needs a token: export HF_TOKEN=... (a token with write access)") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        remedy = "export HF_TOKEN=... (a token with write access)" if status in (401, 403) else "try again later"
        raise UserError(f"the hub answered {status} for {to}: {remedy}") from error
    return str(url)


def main(folder: Path, *, to: str, public: bool = False) -> None:
    logger.info("uploaded to %s", push(folder, to, public))


if __name__ == "__main__":
    cli.run(main)
