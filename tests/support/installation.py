"""Wheels, built from a copy of the checkout or from another project, and environments that they are installed in.

Needs no network: an environment borrows what the zoo depends on from the one that runs the tests.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from support.paths import ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
INSTALL = ["install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed"]


def run(*command, cwd, **settings):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ZOO_", "PIP_"))}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3"} | settings
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def files_of(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in files}


def copy_checkout(folder):
    """Copy what is not ignored, so that nothing is built inside the checkout."""
    lines = [".git", *(ROOT / ".gitignore").read_text().splitlines()]
    anywhere = shutil.ignore_patterns(*(line.strip("/") for line in lines if not line.startswith("/")))
    at_the_top = shutil.ignore_patterns(*(line.strip("/") for line in lines))

    def ignore(place, names):
        return (at_the_top if Path(place) == ROOT else anywhere)(place, names)

    shutil.copytree(ROOT, folder, ignore=ignore)
    return folder


def build(project, out, kind="wheel"):
    """Build a wheel or an sdist, and give the file."""
    run(sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", out, project, cwd=out)
    (file,) = Path(out).glob({"wheel": "*.whl", "sdist": "*.tar.gz"}[kind])
    return file


@dataclass
class Installation:
    """A Python that finds the zoo, the folder it finds it in, and where its commands are."""

    python: str | Path
    home: Path
    scripts: Path | None = None
    settings: dict | None = None

    def run(self, *arguments, cwd):
        return run(self.python, *arguments, cwd=cwd, **(self.settings or {}))


def install(folder, *target):
    """Install into a new environment that borrows the dependencies of this one."""
    venv.create(folder)
    places = {"base": str(folder), "platbase": str(folder)}
    site, scripts = (Path(sysconfig.get_path(name, "venv", places)) for name in ("purelib", "scripts"))
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    # The last of the .pth files by name: an editable install's own comes before it.
    (site / "zz_borrowed.pth").write_text("\n".join(borrowed) + "\n")
    run(*PIP, "--python", scripts / "python", *INSTALL, *target, cwd=folder)
    return Installation(scripts / "python", site, scripts)


def uninstall(installation, distribution, cwd):
    run(*PIP, "--python", installation.python, "uninstall", "--quiet", "--yes", distribution, cwd=cwd)
