"""What the site has beside the pages of docs/: ``mkdocs build`` calls this file.

README.md is its first page, and other Markdown files of the repository that pages link to are pages, too. There is a
page for each architecture, made from the registry and the cards of its weights, and one for the names of each public
module. Notebooks are pages, too. A link that leads out of what the site shows leads to the repository.
"""

import importlib
import json
import posixpath
import re
import sys
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, InclusionLevel

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))
from notebook_pages import to_markdown  # noqa: E402

PAGES = {"README.md": "index.md", **{name: name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")}}
MODULES = ("data", "errors", "layers", "likelihoods", "samplers", "schedules", "testing")
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def on_files(files, config):
    """Add the pages that lie elsewhere or are made."""
    sys.path.insert(0, str(ROOT))
    for source, place in PAGES.items():
        files.append(_page(config, place, (ROOT / source).read_text(encoding="utf-8")))
    for card in sorted((ROOT / "plugins").glob("*/weights/*/README.md")):
        place = _place(card.relative_to(ROOT).as_posix())
        files.append(_page(config, place, _without_header(card.read_text(encoding="utf-8")), unlisted=True))
        for picture in card.parent.glob("*.png"):
            target = posixpath.join(posixpath.dirname(place), picture.name)
            files.append(File.generated(config, target, abs_src_path=str(picture)))
    for file in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        text, pictures = to_markdown(file)
        files.append(_page(config, f"notebooks/{file.stem}.md", text))
        for name, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    for name in ("zoo", *(f"zoo.{name}" for name in MODULES)):
        files.append(_page(config, f"api/{name.rpartition('.')[2]}.md", _describe_module(name)))
    for name, text in _describe_architectures():
        files.append(_page(config, f"architectures/{name}.md", text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Let links lead to where the site has their targets."""
    own = page.file.src_uri
    source = next((there for there, place in PAGES.items() if place == own), None) or _source(own)

    def lead(found):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[1]))
        place = PAGES.get(target) or _place(target)
        if place is None or files.get_file_from_path(place) is None:
            if not (ROOT / target).exists():
                return found[0]  # mkdocs says that it leads nowhere.
            return f"{config.repo_url}/blob/main/{target}{found[2] or ''}"
        return posixpath.relpath(place, posixpath.dirname(own) or ".") + (found[2] or "")

    parts = CODE.split(markdown)
    return "".join(part if number % 2 else LINK.sub(lead, part) for number, part in enumerate(parts))


def _source(place):
    """Return where the repository has what the site has at a place."""
    if place.startswith("weights/"):
        _, plugin, name, file = place.split("/")
        return f"plugins/{plugin}/weights/{name}/{'README.md' if file == 'index.md' else file}"
    return f"docs/{place}"


def _place(source):
    """Return where the site has a file of the repository, if it has it."""
    if source.startswith("docs/"):
        return re.sub(r"\.ipynb$", ".md", source.removeprefix("docs/"))
    card = re.fullmatch(r"plugins/(\w+)/weights/([\w@.-]+)/(README\.md|\w+\.png)", source)
    return card and f"weights/{card[1]}/{card[2]}/{'index.md' if card[3] == 'README.md' else card[3]}"


def _page(config, place, text, *, unlisted=False):
    page = File.generated(config, place, content=text)
    if unlisted:
        page.inclusion = InclusionLevel.NOT_IN_NAV
    return page


def _without_header(card):
    """Return a card without the hub's header."""
    return card.split("---\n", 2)[2] if card.startswith("---\n") else card


def _describe_module(name):
    """Return the page of a module's public names, each of which must have documentation."""
    module = importlib.import_module(name)
    public = [it for it in module.__all__ if not it.startswith("_")]
    objects = [it for it in public if not _is_module(getattr(module, it))]
    missing = [it for it in objects if callable(getattr(module, it)) and not getattr(module, it).__doc__]
    if missing or not module.__doc__:
        raise PluginError(f"{name}: no documentation of {', '.join(missing) or 'the module'}")
    shown = [it for it in objects if callable(getattr(module, it))]
    return "\n".join([f"# {name}\n", module.__doc__.strip(), "", *(f"::: {name}.{it}\n" for it in shown)])


def _is_module(value):
    return type(value).__name__ == "module"


def _describe_architectures():
    """Return the name and the page of each architecture of the zoo."""
    import zoo

    for name in sorted(path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")):
        if name not in zoo.list_models():
            continue
        info = zoo.get_model_info(name)
        presets = zoo.list_models(f"{name}/*")
        lines = [f"# {name}\n", f"{info.summary}.", ""]
        if info.source:
            lines += [re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", info.source) + ".", ""]
        lines += [
            "```python",
            "import zoo",
            "",
            f'model = zoo.create_model("{name}/mnist")',
            "```",
            "",
            "## Options",
            "",
        ]
        lines += ["| option | default |", "| --- | --- |"]
        lines += [f"| `{key}` | `{json.dumps(value)}` |" for key, value in info.to_dict()["config"].items()]
        lines += ["", "## Presets", "", "| preset | parameters | trained weights |", "| --- | --: | --- |"]
        for preset in presets:
            count = zoo.get_model_info(preset).reference.get("parameters")
            kind = preset.partition("/")[2]
            card = ROOT / "plugins" / name / "weights" / kind / "README.md"
            link = f"[card](../weights/{name}/{kind}/index.md)" if card.exists() else "-"
            lines.append(f"| `{preset}` | {'-' if count is None else f'{count:,}'} | {link} |")
        yield name, "\n".join([*lines, ""])
