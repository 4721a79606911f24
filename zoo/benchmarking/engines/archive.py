"""A finished run as one archive, for run folders that machines do not share. Without Keras."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from zoo.runs.checksums import CHECKSUM_FILE
from zoo.runs.finding import files_of
from zoo.runs.lock import claim
from zoo.runs.run import RUN_FILE, Run

MOST_FILES = 10_000


class ArchiveError(OSError):
    """An archive that is damaged, or not of the run that it should be of."""


def pack(path: Path) -> bytes:
    """Return the files of a finished run folder as an archive (tar); errors as in ``open``."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for file in files_of(path):
            archive.add(file, file.relative_to(path).as_posix(), recursive=False)
    return content.getvalue()


def unpack(content: bytes, path: Path, config: dict[str, object]) -> None:
    """Make a run folder from an archive, once every file is what ``SHA256SUMS`` says; replace what is there.

    Args:
        content: the archive.
        path: the run's folder.
        config: the configuration that the run must have.

    Raises:
        ArchiveError: it is damaged, holds anything but the files of a finished run, or is of another run.
        RunError: another process holds the folder.
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as temporary:
        folder = Path(temporary)
        _extract(content, folder, path)
        run = Run(folder)
        doubts = run.doubts()
        if doubts:
            raise ArchiveError(f"the archive of {path} is damaged: {doubts[0].replace(temporary, 'it')}")
        if run.config != config:
            raise ArchiveError(f"the archive of {path} is of another run: {run.config['preset']}")
        named = (folder / CHECKSUM_FILE).read_text(encoding="utf-8").splitlines()
        extra = {file.relative_to(folder).as_posix() for file in files_of(folder)}
        extra -= {CHECKSUM_FILE, *(line.partition("  ")[2] for line in named)}
        if extra:
            raise ArchiveError(f"the archive of {path} has {min(extra)!r}, which {CHECKSUM_FILE} does not name")
        with claim(path):
            _replace(path, folder)


def _extract(content: bytes, folder: Path, path: Path) -> None:
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for count, member in enumerate(archive):
                parts = PurePosixPath(member.name).parts
                usual = member.isfile() and parts and not {"..", "/"} & {*parts} and parts[0][0] != "."
                file = archive.extractfile(member) if usual else None
                if file is None or count >= MOST_FILES:
                    raise ArchiveError(f"the archive of {path} has {member.name!r}: expected the files of a run alone")
                target = folder.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with file, target.open("xb") as copy:
                    shutil.copyfileobj(file, copy)
    except (tarfile.TarError, EOFError, FileExistsError) as error:
        raise ArchiveError(f"the archive of {path} is damaged: {error}") from error


def _replace(path: Path, folder: Path) -> None:
    """Move the files of a folder into a run folder that this process holds; its record comes last."""
    for old in path.iterdir():
        if not old.name.startswith("."):
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    for new in sorted(folder.iterdir(), key=lambda file: file.name == RUN_FILE):
        shutil.move(new, path / new.name)
