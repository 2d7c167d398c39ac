"""Upload a data set's folder to the Hugging Face hub. A new data set is private unless you give --public.

Without --public, nothing is uploaded to a data set that is public already.

python -m scripts.push results/rag_instruct_40k/hub --to me/my-rag-instruct

Args:
    folder: results/<dataset>/hub
    to: id of the data set on the hub, <owner>/<name>
    public: create a public data set, or upload to one
"""

from pathlib import Path

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.logs import logger


def push(folder: Path, to: str, public: bool) -> str:
    """Upload the folder as one commit and return the data set's address. The data set is created if necessary.

    Raises UserError if the folder has no card, if the data set exists and is public but `public` is false, or if the
    hub refuses.
    """
    if not (folder / "README.md").is_file():
        raise UserError(f"{folder} has no README.md: make it first, with snakemake --cores 1 {folder}/README.md")
    api = HfApi()
    try:
        url = api.create_repo(to, repo_type="dataset", private=not public, exist_ok=True)
        # The hub ignores `private` if the data set exists already.
        if not public and api.dataset_info(to).private is False:
            raise UserError(f"{to} is public on the hub: add --public, or give another name")
        api.upload_folder(repo_id=to, folder_path=folder, repo_type="dataset", commit_message=f"Upload {to}")
    except LocalTokenNotFoundError as error:
        raise UserError("the hub needs a token: export HF_TOKEN=... (a token with write access)") from error
    except HFValidationError as error:
        raise UserError(f"--to {to}: no id of the hub: give <owner>/<name>, with letters, digits and -_.") from error
    except HfHubHTTPError as error:
        raise UserError(_refused(error, to)) from error
    except (httpx2.TransportError, OfflineModeIsEnabled) as error:
        raise UserError(
            f"the hub cannot be reached ({error}): check the network and HF_HUB_OFFLINE, then push again"
        ) from error
    except ValueError as error:  # the hub refuses the card
        raise UserError(
            f"the hub refuses {folder}/README.md: {error}: correct the lines at its top, and push again"
        ) from error
    return str(url)


def _refused(error: HfHubHTTPError, to: str) -> str:
    """Return what the hub said, and a remedy."""
    status = error.response.status_code
    remedy = "try again later"
    if status in (401, 403):
        remedy = f"export HF_TOKEN=... of an account that may write to {to}"
    elif status < 500:
        remedy = "correct the name or the card, and push again"
    said = f". It said: {error.server_message}" if error.server_message else ""
    return f"the hub answered {status} for {to}: {remedy}{said}"


def main(folder: Path, *, to: str, public: bool = False) -> None:
    logger.info("uploaded to %s", push(folder, to, public))


if __name__ == "__main__":
    cli.run(main)
