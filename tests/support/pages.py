"""The project's pages in Markdown: their blocks of code, their commands, and a process that runs them."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import zoo
from support.paths import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w/]+\.(?:py|toml))\b")


@dataclass(frozen=True)
class Page:
    """A page, by its path in the checkout."""

    name: str

    @property
    def path(self):
        return ROOT / self.name

    @property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    def blocks(self, language):
        """Return the blocks of one language."""
        return [found[2] for found in BLOCK.finditer(self.text) if found[1] == language]

    def script(self):
        """Return the Python blocks that belong to no file, each on the lines that it has in the page."""
        script = ""
        for found in BLOCK.finditer(self.text):
            if found[1] == "python" and not file_of(found[2]):
                script += "\n" * (self.text[: found.start(2)].count("\n") - script.count("\n")) + found[2]
        return script

    def promises(self):
        """Return what the page says its calls of ``print`` print."""
        return re.findall(r"^print\(.*\)  # (.+)$", self.script(), re.MULTILINE)

    def commands(self):
        """Return the words of every ``zoo`` command of the sh blocks, with what stands in brackets."""
        for block in self.blocks("sh"):
            text = re.sub(r" #.*| \.\.\.\]|[\[\]]| > \S+", "", block)
            for command in re.split(r"\n|&&|\|\||(?<=\S)\s{2,}(?=zoo )", text):
                words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
                if words[:1] == ["zoo"]:
                    yield words[1:]


def file_of(block):
    """Return the file that a block's first line names, if it does."""
    named = FILE.match(block)
    return named and named[1]


def run(command, folder, **settings):
    """Run a command with this checkout's zoo and no settings but these; give what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ZOO_")}
    environment |= {"PYTHONPATH": str(Path(zoo.__file__).parent.parent), "TF_CPP_MIN_LOG_LEVEL": "3", **settings}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


PYTHON = sys.executable
README = Page("README.md")
PLUGINS = Page("docs/plugins.md")
PYTORCH = Page("docs/pytorch.md")
# Their Python is run in one process, each page for itself; that of docs/plugins.md takes long, that of
# docs/pytorch.md needs PyTorch, and both have their own tests.
RUN = [
    README,
    *(
        Page(f"docs/{name}.md")
        for name in (
            "guide",
            "data",
            "compression",
            "conditional",
            "export",
            "hierarchical",
            "likelihoods",
            "outliers",
            "samplers",
            "scores",
            "subclassing",
            "weights",
        )
    ),
]
PAGES = [
    *(Page(path.name) for path in sorted(ROOT.glob("*.md"))),
    *(Page(f"docs/{path.name}") for path in sorted((ROOT / "docs").glob("*.md"))),
]
