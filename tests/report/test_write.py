"""The report: what it tells of runs that went well, of those that did not, and how it behaves in a browser."""

import re
import shutil
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from support.report_runs import train_runs

import zoo
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.cli import main
from zoo.errors import RunError
from zoo.files import write_json
from zoo.report import write_report
from zoo.training import Run

EVIL = '"><script>alert(1)</script><img src=http://evil.invalid/x.png onerror=alert(2)> $x_1$ {{ 7 * 7 }}'
SECTIONS = ["Reconstructions", "Samples", "Interpolations", "Latent traversals", "Latent space and training", "Details"]
CHARTS = ["Learning curves", "Quality against size", "Quality against latency", "Quality against training time"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A place for runs that the tests of this file share."""
    return tmp_path_factory.mktemp("kept") / "runs"


@pytest.fixture
def runs(tiny, few_pictures, kept, tmp_path):
    """Two seeds of one preset, one of another; a copy of its own for each test."""
    if not kept.exists():
        train_runs(kept)
    return shutil.copytree(kept, tmp_path / "my runs")


@pytest.fixture
def no_models(monkeypatch):
    """Reports are written without looking at models, which takes most of the time."""
    from zoo.report import pages
    from zoo.report.album import Album

    monkeypatch.setattr(pages, "_open_album", lambda *arguments: Album())


def change(run, **parts):
    """Change parts of a run's file."""
    run.save({key: {**value, **parts[key]} if key in parts else value for key, value in run.record.items()})


def find(folder, architecture, seed=0):
    return Run(next(folder.glob(f"{architecture}/*/seed{seed}-*")))


class Elements(HTMLParser):
    """The elements of a page: names and attributes, by kind; and the text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def test_report_tells_of_every_model(runs):
    file = write_report(runs)
    assert file == runs / "report.html"
    text = file.read_text(encoding="utf-8")
    page = Elements(text)
    articles = page.of("article")
    assert {it["id"] for it in articles} == {"model-tiny-tiny_cnn", "model-tiny-small_cnn"}
    for heading in SECTIONS:
        assert text.count(f"<h2>{heading}</h2>") == 2
    for heading in [*CHARTS, "Rate against distortion"]:
        assert f"<h4>{heading}</h4>" in text
    for run in runs.glob("*/tiny/seed*"):
        assert f'href="./{run.relative_to(runs).as_posix()}/"' in text
    for fact in ("filters", "learning rate", "time to decode 1 image", zoo.load_dataset("tiny").test.sha256[:12]):
        assert fact in page.text
    assert len(text) < 1_000_000
    assert not list(runs.glob(".report*"))


def test_links_lead_to_the_runs_from_elsewhere(runs, no_models, tmp_path):
    (tmp_path / "docs").mkdir()
    text = write_report(runs, tmp_path / "docs" / "all.html").read_text(encoding="utf-8")
    assert 'href="./../my%20runs/tiny_cnn/tiny/seed0' in text


@pytest.mark.slow
def test_report_is_the_same_again_and_needs_no_network(runs):
    first = write_report(runs).read_bytes()
    assert write_report(runs).read_bytes() == first
    page = Elements(first.decode())
    sources = [it[key] for _, it in page.found for key in ("src", "href", "action", "poster", "data") if it.get(key)]
    assert all(re.match(r"#|data:|\./", source) for source in sources)
    assert {url.partition(":")[0][:1] for url in re.findall(r"url\(([^)]*)\)", first.decode())} <= {"#", "d"}
    assert "@import" not in first.decode()
    images = page.of("img")
    assert len(images) > 20
    assert all(it["alt"] and it["src"].startswith("data:image/webp;base64,") for it in images)
    assert all(it["role"] == "img" and it["aria-label"] for it in page.of("svg"))
    identifiers = [it["id"] for _, it in page.found if "id" in it]
    assert len(identifiers) == len(set(identifiers))
    assert {it["href"][1:] for it in page.of("a") if it["href"][0] == "#"} <= set(identifiers)


def test_table_is_the_leaderboards(runs, no_models):
    text = write_report(runs).read_text(encoding="utf-8")
    (table,) = Leaderboard.from_runs([Run(file.parent) for file in runs.rglob("run.json")], runs).tables
    rows = re.findall(r'<th scope="row".*?</tr>', text, re.DOTALL)
    assert len(rows) == len(table.rows) == 2
    for row, shown in zip(table.rows, rows, strict=True):
        values = re.findall(r'data-value="([^"]*)"', shown)
        assert values[:4] == [row.model, str(row.rank), str(len(row.seeds)), str(row.scores["negative_elbo"].mean)]
        assert f"{row.scores['negative_elbo'].mean:,.1f}" in shown
        assert ("±" in shown) == (len(row.seeds) > 1)
    heads = Elements(text).of("th")
    assert [it["aria-sort"] for it in heads if "aria-sort" in it] == ["ascending"]


def test_text_from_files_is_escaped(runs, no_models):
    run = find(runs, "small_cnn")
    change(run, config={"options": {EVIL: EVIL}}, provenance={"platform": EVIL, "packages": {EVIL: EVIL}})
    zoo_file = runs / "failed" / "run.json"
    zoo_file.parent.mkdir()
    write_json(zoo_file, run.record | {"status": "failed", "error": EVIL, "scores": None})
    text = write_report(runs).read_text(encoding="utf-8")
    assert text.count("<script>") == 2
    assert "<img src=http" not in text
    assert "{{ 7 * 7 }}" in text
    assert EVIL in Elements(text).text


def test_runs_without_scores_are_listed_with_reasons(runs, no_models):
    run = find(runs, "small_cnn")
    record = run.record
    for name, changes in {
        "exploded": {"status": "failed", "error": "the loss became nan", "scores": None},
        "stopped": {"status": "interrupted", "error": None, "scores": None},
        "hollow": {"scores": {}},
    }.items():
        (runs / name).mkdir()
        write_json(runs / name / "run.json", record | changes)
    (runs / "torn").mkdir()
    (runs / "torn" / "run.json").write_text('{"schema"')
    failed = [{"preset": "gone/tiny", "seed": 3, "settings": {"latent_dim": 4}, "error": "no plugin gives gone"}]
    # What the leaderboard says of a run that has a folder by now is old.
    failed.append({"preset": "tiny_cnn/tiny", "seed": 1, "error": "out of date"})
    write_json(runs / "leaderboard.json", {"failed": failed})
    text = Elements(write_report(runs).read_text(encoding="utf-8")).text
    assert str(runs) not in text
    for reason in ("the loss became nan", "zoo train --resume", "run.json is damaged", "cannot be read"):
        assert reason in text
    assert "gone/tiny, seed 3, latent_dim=4" in text
    assert "no plugin gives gone" in text
    assert "out of date" not in text
    assert "5 without scores" in text


def test_only_failed_runs(runs):
    for name in ("tiny_cnn", "small_cnn"):
        for folder in runs.glob(f"{name}/tiny/seed*"):
            run = Run(folder)
            run.save(run.record | {"status": "failed", "error": "it burnt", "scores": None})
    text = write_report(runs).read_text(encoding="utf-8")
    assert text.count("it burnt") == 3
    assert "<article" not in text


def test_model_that_cannot_be_loaded(runs):
    (find(runs, "small_cnn").path / "model.keras").unlink()
    (find(runs, "tiny_cnn").path / "model.keras").write_bytes(b"no model")
    (find(runs, "tiny_cnn").path / "history.csv").unlink()
    text = write_report(runs).read_text(encoding="utf-8")
    one, other = re.findall(r"<article.*?</article>", text, re.DOTALL)
    small, tiny = (one, other) if 'id="model-tiny-small_cnn"' in one else (other, one)
    assert str(runs) not in text
    assert "Seed 0: the model cannot be loaded" in small
    assert "<h2>Reconstructions</h2>" not in small
    assert "KL divergence by latent" in small  # That is in the run's file.
    # The next seed's model is shown in place of the damaged one.
    assert "Seed 0: the model cannot be loaded" in tiny
    assert "pictures of seed 1" in tiny
    assert "<h2>Reconstructions</h2>" in tiny


@pytest.mark.slow
def test_test_images_that_are_not_there(runs):
    change(find(runs, "small_cnn"), config={"dataset": "nowhere"})
    run = find(runs, "tiny_cnn")
    change(run, scores={"data": {**run.scores["data"], "sha256": "0" * 64}})
    text = write_report(runs).read_text(encoding="utf-8")
    assert "The test images are not available" in text
    assert "are not those that the run was scored on" in text
    assert "<h2>Samples</h2>" in text
    assert "those of\n    the prior&#39;s mean" in text or "those of\n    the prior's mean" in text


@pytest.mark.slow
def test_codes_have_no_traversals(clean_registry, few_pictures, tiny, tmp_path):
    zoo.train("vq_cnn/tiny", epochs=1, out=tmp_path, codes=8, precision="float32")
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "The posterior is a point" in text
    assert "<h2>Latent traversals</h2>" not in text
    assert "KL divergence by latent</h3>" not in text
    assert "<h3>Map</h3>" in text
    assert "code perplexity" in text


def test_command(runs, no_models, tmp_path):
    done = CliRunner().invoke(main, ["report", str(runs), "--out", str(tmp_path / "it.html")])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'it.html'}\n"


def test_refusals(tmp_path, monkeypatch):
    def refuse(*arguments):
        done = CliRunner().invoke(main, ["report", *map(str, arguments)])
        assert len(done.stderr.strip().splitlines()[-1:]) == 1
        return done.exit_code, done.stderr

    code, message = refuse(tmp_path)
    assert code == 1
    assert "found no run.json" in message
    assert refuse(tmp_path / "absent")[0] == 2
    code, message = refuse(tmp_path, "--out", tmp_path / "absent" / "it.html")
    assert code == 2
    assert f"the folder {tmp_path / 'absent'} does not exist" in message
    with pytest.raises(RunError, match="no such folder"):
        write_report(tmp_path / "absent")
    monkeypatch.setattr("zoo.report.write.find_spec", lambda name: None)
    code, message = refuse(tmp_path)
    assert code == 1
    assert 'pip install "autoencoder-zoo[report]"' in message


def test_of_many_models_only_the_best_have_pages(runs, no_models):
    page = Elements(write_report(runs, models=1).read_text(encoding="utf-8"))
    assert len(page.of("article")) == 1
    assert "2 models, 3 runs" in page.text
    assert "The best 1 of these 2 models have pages and are in the charts." in page.text
    targets = {it["id"] for _, it in page.found if "id" in it}
    assert {it["href"][1:] for it in page.of("a") if it.get("href", "").startswith("#")} <= targets
    with pytest.raises(ValueError, match="models is 0: expected at least 1"):
        write_report(runs, models=0)
