"""Trained weights on the Hugging Face hub, through its own client, which knows mirrors, tokens and being offline."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.errors import ModelLoadError, WeightsNotFoundError, one_line
from zoo.files import UnfitFileError, copy_file, making_folder
from zoo.weights.folder import (
    ARRAYS_FILE,
    FILES,
    LARGEST_ARRAYS,
    SUMS_FILE,
    WeightsFolder,
    is_weights_folder,
    remove_files,
)

HUB_FOLDER = "hub"  # In the cache.
_ADDRESS = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def parse_address(address: str) -> tuple[str, str | None]:
    """Return the repository and the revision (None: its main branch) of ``hf://user/repo@revision``.

    Raises:
        WeightsNotFoundError: it is no such address.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise WeightsNotFoundError(f"{address!r} is no address on the hub: expected hf://user/repo@revision")
    return found["repo"], found["revision"]


def fetch(address: str, cache: Path) -> WeightsFolder:
    """Return the weights at ``hf://user/repo@revision``, downloaded unless they are in a cache.

    Args:
        address: the repository, with a branch, a tag or a commit.
        cache: the folder to keep weights in.

    ``HF_ENDPOINT`` (a mirror), ``HF_HOME``, ``HF_TOKEN`` and ``HF_HUB_OFFLINE`` work as the client says.

    Raises:
        WeightsNotFoundError: the client is not installed, or finds no such repository; or it has no weights.
        ModelLoadError: a file is larger than those of weights.
    """
    repo, revision = parse_address(address)
    with _asking(address) as client:
        if not client.constants.HF_HUB_OFFLINE:
            _check_sizes(client, address, repo, revision)
        path = Path(client.snapshot_download(repo, revision=revision, allow_patterns=[*FILES, SUMS_FILE]))
    if not is_weights_folder(path):
        raise WeightsNotFoundError(f"{address} holds no trained weights: it has no {ARRAYS_FILE} and config.json")
    # The client's files are links into its cache; its folder is called after the commit.
    target = cache / f"{repo.replace('/', '--')}@{path.name}"
    if not is_weights_folder(target):
        _copy(path, target)
    return WeightsFolder(target, f"hf://{repo}@{path.name}")


def _check_sizes(client: Any, address: str, repo: str, revision: str | None) -> None:
    """Raise ``ModelLoadError`` if a file is too large to be downloaded."""
    found = client.HfApi().model_info(repo, revision=revision, files_metadata=True)
    for file in found.siblings or ():
        if file.rfilename in (*FILES, SUMS_FILE) and (file.size or 0) > LARGEST_ARRAYS:
            raise ModelLoadError(
                f"{address}: {file.rfilename} has {file.size:,} bytes: expected at most {LARGEST_ARRAYS:,}"
            )


def fetch_pinned(address: str, sha256: str, target: Path) -> WeightsFolder:
    """Copy the weights that a registry file names into the cache, if their arrays have the SHA-256 that it says.

    Args:
        address: ``hf://user/repo@revision``.
        sha256: of ``model.safetensors``.
        target: the folder in the cache; older weights there are replaced.

    Raises:
        WeightsNotFoundError: as ``fetch``.
        ModelLoadError: a file is damaged, or the arrays are not those named.
    """
    found = fetch(address, target.parent.parent / HUB_FOLDER)
    if found.sha256 != sha256:
        raise ModelLoadError(
            f"{address} has not the arrays that the registry file names: their SHA-256 is {found.sha256[:12]}..., "
            f"expected {sha256[:12]}...: report it to the author"
        )
    _copy(found.path, target)
    return WeightsFolder(target)


def _copy(source: Path, target: Path) -> None:
    """Copy weights, whatever else lies beside them, and compare each file with its SHA-256."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with making_folder(target) as folder:
            for name in (*FILES, SUMS_FILE):
                if (source / name).is_file():
                    copy_file(Path(os.path.realpath(source / name)), folder / name, most=LARGEST_ARRAYS)
            made = WeightsFolder(folder)
            for name in made.sums:
                made.read(name, LARGEST_ARRAYS)
            remove_files(target)
    except UnfitFileError as error:
        raise ModelLoadError(f"{source}: {error}") from error
    except OSError as error:
        raise ModelLoadError(f"{target}: cannot be written: {error.strerror or error}") from error


def upload(folder: Path, address: str, message: str) -> str:
    """Upload a weights folder, making the repository if there is none; return its URL.

    Raises:
        WeightsNotFoundError: the client is not installed, or the hub refuses.
    """
    repo, revision = parse_address(address)
    with _asking(address) as client:
        api = client.HfApi()
        api.create_repo(repo, exist_ok=True)
        names = [*WeightsFolder(folder).sums, SUMS_FILE]
        done = api.upload_folder(
            repo_id=repo, folder_path=folder, revision=revision, allow_patterns=names, commit_message=message
        )
    return str(done.commit_url)


def check_client(address: str) -> Any:
    """Return the hub's client; raise ``WeightsNotFoundError`` if it is not installed."""
    try:
        import huggingface_hub.constants
        import huggingface_hub.utils
    except ImportError:
        raise WeightsNotFoundError(
            f'{address} needs the package huggingface_hub: pip install "autoencoder-zoo[hub]"'
        ) from None
    return huggingface_hub


@contextmanager
def _asking(address: str) -> Iterator[Any]:
    """Yield the client; whatever it raises becomes one sentence."""
    client = check_client(address)
    bars = client.utils
    shown = not bars.are_progress_bars_disabled()
    bars.disable_progress_bars()
    try:
        yield client
    except ModelLoadError:
        raise
    except Exception as error:  # Its own errors, and those of the library that it sends requests with.
        raise WeightsNotFoundError(f"{address} cannot be reached: {type(error).__name__}: {one_line(error)}") from error
    finally:
        if shown:
            bars.enable_progress_bars()
