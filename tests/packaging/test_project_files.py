"""The files about the project agree with one another: pyproject.toml, CITATION.cff, CHANGELOG.md, pre-commit's."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from support.paths import ROOT

import zoo

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
LOWEST = ROOT / "lowest.txt"
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.fixture(scope="module")
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_citation_has_what_its_format_asks_for(citation):
    assert citation.keys() >= {"cff-version", "message", "title", "authors"}
    assert citation["cff-version"] == "1.2.0"
    assert all(author.keys() & {"name", "family-names"} for author in citation["authors"])
    assert citation["type"] == "software"


def test_citation_agrees_with_the_package(citation):
    assert citation["version"] == zoo.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]


def test_changelog_keeps_its_format():
    versions = re.findall(r"^## (.+)$", CHANGES, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions[1:])
    assert set(re.findall(r"^### (.+)$", CHANGES, re.MULTILINE)) <= KINDS
    assert f"\n## [{zoo.__version__}] - " in CHANGES


def test_changelog_links_every_version():
    versions = re.findall(r"^## \[(.+?)\]", CHANGES, re.MULTILINE)
    links = dict(re.findall(r"^\[(.+?)\]: (\S+)$", CHANGES, re.MULTILINE))
    assert links.keys() == set(versions)
    assert all(link.startswith(PROJECT["urls"]["Repository"]) for link in links.values())


def test_addresses_are_of_one_repository():
    assert PROJECT["urls"].keys() == {"Homepage", "Repository", "Documentation", "Changelog", "Issues"}
    for address in PROJECT["urls"].values():
        assert address.startswith(PROJECT["urls"]["Repository"])
        path = address.partition("/main/")[2]
        assert not path or (ROOT / path).exists()


def test_pre_commit_has_the_pinned_linter():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    (revision,) = [repo["rev"] for repo in hooks if repo["repo"].endswith("/ruff-pre-commit")]
    assert f"ruff=={revision.removeprefix('v')}" in PROJECT["optional-dependencies"]["dev"]
    assert {hook["id"] for repo in hooks for hook in repo["hooks"]} == {
        "ruff-check", "ruff-format", "mypy", "lint-imports",
    }  # fmt: skip


def test_the_lowest_versions_are_those_that_are_claimed():
    claimed = {}
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]:
        requirement = Requirement(line)
        (specifier,) = requirement.specifier
        assert specifier.operator == ">="
        claimed[requirement.name] = Version(specifier.version)
    lines = [Requirement(line) for line in LOWEST.read_text().splitlines() if not line.startswith("#")]
    pinned = {line.name: next(iter(line.specifier)) for line in lines}
    assert {name: found.operator for name, found in pinned.items() if name in claimed} == dict.fromkeys(claimed, "==")
    for name, version in claimed.items():
        lowest = Version(pinned[name].version)
        # "scipy>=1.11" means 1.11.1, since there is no 1.11.0.
        assert lowest == version or (lowest > version and lowest.release[: len(version.release)] == version.release)


def test_sessions_that_are_named_exist():
    sessions = set(re.findall(r"^@nox\.session\ndef (\w+)", (ROOT / "noxfile.py").read_text(), re.MULTILINE))
    contributing, ci = ((ROOT / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", ".ci/run"))
    assert set(re.findall(r"^\| `nox -s (\w+)`", contributing, re.MULTILINE)) == sessions
    run = {name for words in re.findall(r"nox\" -s ([\w ]+?)(?: -- .*)?$", ci, re.MULTILINE) for name in words.split()}
    # CI runs the work of two others as the README says it, on the newest Python.
    assert run == sessions - {"tests", "newest", "exhaustive"}


def test_the_guide_installs_without_tensorflow_all_that_is_required_but_tensorflow():
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^pip install (jax .+)$", guide, re.MULTILINE)
    required = [Requirement(it).name for it in PROJECT["dependencies"]]
    assert listed.split() == ["jax", *(name for name in required if name != "tensorflow")]
