"""Going on with finished runs builds and loads nothing; what the code here would not give is trained anew."""

import dataclasses
import shutil

import pytest

import zoo
from zoo.benchmarking import cells, code_check
from zoo.benchmarking.cells import find_done, make_cells
from zoo.benchmarking.code_check import CodeCheck
from zoo.errors import ArchitectureError
from zoo.saving import load as load_module
from zoo.training import Run
from zoo.training.plan import plan_run

SETTINGS = {"epochs": [1], "latent_dim": [2, 3]}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A place for the runs, which the tests of this file share."""
    return tmp_path_factory.mktemp("kept") / "runs"


@pytest.fixture
def finished(tiny, few_pictures, kept, tmp_path):
    """The cells of two configurations and two seeds, all finished; a copy of its own for each test."""
    if not kept.exists():
        train_cells(make_cells(["tiny_cnn/tiny"], [0, 1], SETTINGS, out=kept))
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    return make_cells(["tiny_cnn/tiny"], [0, 1], SETTINGS, out=tmp_path)


def train_cells(found):
    """Train the first seed of each configuration; the second one's runs are copies of those, with another seed."""
    for cell, twin in zip(found[:2], found[2:], strict=True):
        run = zoo.train(cell.preset, seed=0, out=cell.out, progress=False, **cell.settings)
        copied = Run(shutil.copytree(run.path, twin.path))
        copied.save(dataclasses.replace(run.content, config=dataclasses.replace(run.content.config, seed=1)))
        copied.save_checksums()


@pytest.fixture
def counted(monkeypatch):
    """Count what is built and loaded."""
    counts = {"built": 0, "loaded": 0}

    def count(module, name, key):
        original = getattr(module, name)

        def call(*arguments, **options):
            counts[key] += 1
            return original(*arguments, **options)

        monkeypatch.setattr(module, name, call)

    count(code_check, "create_from_preset", "built")
    count(load_module, "load_model", "loaded")
    monkeypatch.setattr(cells, "train", lambda *_, **__: pytest.fail("a finished run is trained anew"))
    return counts


def benchmark(folder):
    return zoo.benchmark("tiny_cnn/tiny", seeds=2, settings=SETTINGS, full=True, out=folder, progress=False)


def forget_sources(found):
    """Let the runs be from before there were digests."""
    for cell in found:
        run = Run(cell.path)
        provenance = dataclasses.replace(run.content.provenance, plugin_sources=None)
        run.save(dataclasses.replace(run.content, provenance=provenance))
        run.save_checksums()


def test_nothing_is_built_and_the_picture_is_kept(finished, counted, tmp_path):
    first = benchmark(tmp_path)
    assert counted == {"built": 0, "loaded": 1}  # For the picture.
    picture = tmp_path / "reconstructions.png"
    before = picture.stat().st_mtime_ns
    second = benchmark(tmp_path)
    assert counted == {"built": 0, "loaded": 1}
    assert picture.stat().st_mtime_ns == before
    assert second.to_dict() == first.to_dict()
    assert [row.seeds for row in second.tables[0].rows] == [(0, 1), (0, 1)]


def test_the_picture_is_drawn_anew_of_another_run_and_where_it_is_damaged(finished, counted, tmp_path):
    benchmark(tmp_path)
    picture = tmp_path / "reconstructions.png"
    picture.write_bytes(picture.read_bytes()[:1000])
    benchmark(tmp_path)
    assert counted["loaded"] == 2
    run = Run(finished[0].path)
    run.save(dataclasses.replace(run.content, error="another file"))
    run.save_checksums()
    benchmark(tmp_path)
    assert counted["loaded"] == 3
    assert picture.stat().st_size > 1000


def test_runs_from_before_need_one_model_for_each_configuration(finished, counted, tmp_path):
    forget_sources(finished)
    benchmark(tmp_path)
    assert counted["built"] == 2


def test_other_code_is_noticed(finished, monkeypatch):
    cell = finished[0]
    record = Run(cell.path).content
    assert CodeCheck().is_current(record, cell.plan)
    monkeypatch.setattr(code_check, "digest_sources", lambda *_: "0" * 64)
    assert not CodeCheck().is_current(record, cell.plan)
    monkeypatch.setattr(code_check, "digest_sources", lambda *_: None)
    assert CodeCheck().is_current(record, cell.plan)
    cost = dataclasses.replace(record.cost, parameters=record.cost.parameters + 1)
    assert not CodeCheck().is_current(dataclasses.replace(record, cost=cost), cell.plan)
    monkeypatch.setattr(code_check, "__version__", "99")
    assert not CodeCheck().is_current(record, cell.plan)


def test_a_model_that_cannot_be_built_any_more(finished, monkeypatch):
    forget_sources(finished)

    def fail(*_):
        raise ArchitectureError("no builder")

    monkeypatch.setattr(code_check, "create_from_preset", fail)
    assert not CodeCheck().is_current(Run(finished[0].path).content, finished[0].plan)


def test_the_grid_plans_each_cell_once(finished, counted, monkeypatch, tmp_path):
    planned = []
    monkeypatch.setattr(cells, "plan_run", lambda *a, plan=plan_run, **o: planned.append(o) or plan(*a, **o))
    benchmark(tmp_path)
    assert len(planned) == len(finished)
    assert find_done(finished[0], CodeCheck()).path == finished[0].path
