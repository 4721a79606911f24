"""Searches: what they propose, what they find, and going on after a kill."""

import json
import math
import os
import random
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

import zoo
from zoo.benchmarking.executor import ThisProcess
from zoo.benchmarking.search.space import Space
from zoo.benchmarking.search.study import Study
from zoo.errors import RunError
from zoo.runs.history import History

pytest.importorskip("optuna")
SPACE = {"learning_rate": "loguniform(1e-5,1e-1)", "latent_dim": "integers(2,40)"}


def finish(study, trial, folder):
    """End a trial as a run of three epochs would that knows the best settings; give what was said of it."""
    settings = study.settings(trial)
    loss = 100 + 10 * abs(math.log10(settings["learning_rate"]) + 3) + abs(settings["latent_dim"] - 20)
    rows = [{"epoch": it, "val_loss": loss + 1 / it, "val_negative_elbo": loss + 1 / it} for it in (1, 2, 3)]
    History(rows).write(folder)
    pruned = study.report(trial, folder, 3)
    run = SimpleNamespace(content=SimpleNamespace(best=SimpleNamespace(negative_elbo=loss + 1 / 3)), path=folder)
    study.end(trial, run, pruned=pruned)


def study_in(folder, trials=25):
    folder.mkdir(exist_ok=True)
    return Study(folder, Space.read(SPACE), {"preset": "a/b"}, trials, 7)


def test_a_search_that_goes_on_proposes_what_it_would_have_proposed(tmp_path):
    whole = study_in(tmp_path / "whole")
    while (trial := whole.propose()) is not None:
        finish(whole, trial, tmp_path)
    expected = list(whole.ended())
    assert len(expected) == 25
    draw = random.Random(0)
    for _ in range(200):
        (tmp_path / "again").mkdir(exist_ok=True)
        (tmp_path / "again/search.log.lock").touch()  # Left by a process that was killed.
        again = study_in(tmp_path / "again")
        while (trial := again.propose()) is not None:
            if draw.random() < 0.3:
                break
            finish(again, trial, tmp_path)
        if trial is None:
            break
    assert list(again.ended()) == expected
    assert {it.state for it in expected} == {"complete", "pruned"}
    best = min((it for it in expected if it.validation is not None), key=lambda it: it.validation)
    assert 1e-4 < best.settings["learning_rate"] < 1e-2


def test_another_search_in_the_folder_is_refused(tmp_path):
    study_in(tmp_path / "search")
    with pytest.raises(RunError, match=r"has another search .* choose another folder"):
        Study(tmp_path / "search", Space.read({"latent_dim": [1, 2]}), {"preset": "a/b"}, 25, 7)


def test_what_is_found_is_a_preset(tiny, few_pictures, command, tmp_path):
    out = tmp_path / "search"
    found = zoo.search(
        "tiny_cnn/tiny", {"learning_rate": [1e-2, 1e-6], "filters": [[4]]}, epochs=1, full=True, trials=5, out=out,
        settings={"latent_dim": 2}, executor=ThisProcess(), progress=False,
    )  # fmt: skip
    assert [trial.settings["learning_rate"] for trial in found.trials] == [1e-2, 1e-6]  # Each point of the grid once.
    assert found.best.settings == {"learning_rate": 1e-2, "filters": [4]}
    assert found.best.validation == zoo.Run(out / found.best.run).best["negative_elbo"]
    assert json.loads((out / "search.json").read_text())["best"] == 0
    assert {"search.md", "search.png", "search.log"} <= {file.name for file in out.iterdir()}
    shown = command("--registry", out / "search.yaml", "show", "tiny_cnn/tiny-found", "--json")
    info = json.loads(shown.stdout)
    assert info["recipe"]["learning_rate"] == 1e-2
    assert info["recipe"]["epochs"] == 1
    zoo.refresh()


def start(folder, trials):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [
        sys.executable,
        "-m",
        "zoo",
        "search",
        "tiny_cnn/tiny",
        "--full",
        "--epochs",
        "3",
        "--trials",
        str(trials),
    ]
    command += ["--space", "learning_rate=loguniform(1e-5,3e-2)", "--space", "latent_dim=2,3", "--out", str(folder)]
    with folder.with_suffix(".log").open("a") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


@pytest.mark.parametrize(
    ("trials", "times"), [pytest.param(4, 1, marks=pytest.mark.slow), pytest.param(8, 3, marks=pytest.mark.exhaustive)]
)
def test_a_search_that_is_killed_ends_as_if_nothing_had_happened(tiny, trials, times, tmp_path):
    began = time.monotonic()
    assert start(tmp_path / "whole", trials).wait() == 0, (tmp_path / "whole.log").read_text()
    took = time.monotonic() - began
    draw = random.Random(0)
    for _ in range(times):
        process = start(tmp_path / "killed", trials)
        time.sleep(draw.uniform(0.2, 0.4) * took)
        process.kill()
        process.wait()
    assert start(tmp_path / "killed", trials).wait() == 0, (tmp_path / "killed.log").read_text()
    whole, killed = (json.loads((tmp_path / name / "search.json").read_text()) for name in ("whole", "killed"))
    assert killed == whole
    best = whole["trials"][whole["best"]]
    found = [trial["validation"] for trial in whole["trials"] if trial["validation"] is not None]
    assert len(found) > 1
    assert best["validation"] == min(found)
    if trials == 8:
        assert best["settings"]["learning_rate"] > 3e-3  # Of so few epochs; four trials draw none.
    assert zoo.Run(tmp_path / "killed" / best["run"]).best["negative_elbo"] == best["validation"]
