"""Which modules import which: what import-linter's contracts in pyproject.toml cannot say."""

import grimp
import pytest
from support.paths import ROOT


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("zoo")


def test_only_the_command_imports_the_package_itself(graph):
    importers = graph.find_modules_that_directly_import("zoo")
    assert importers
    # Where the zoo is installed its own plugins are inside; they import what any plugin does.
    assert {name for name in importers if not name.startswith(("zoo.cli.", "zoo.plugins."))} == set()


def test_no_folder_holds_more_than_twenty_files(graph):
    files = {package: [child for child in graph.find_children(package) if not graph.find_children(child)]
             for package in graph.modules}  # fmt: skip
    assert {package: len(found) for package, found in files.items() if len(found) >= 20} == {}


def test_no_module_has_more_than_250_lines():
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "zoo").rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > 250} == {}
