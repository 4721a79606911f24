"""The card shows what the other files say, as text."""

import json

import pytest
import yaml
from support.weights_folders import HISTORY, SCORES, build, describe

from zoo.compression.measured import describe_compressed
from zoo.publishing.card import escape, make_card
from zoo.runs.history import History
from zoo.weights.config import read_config


@pytest.fixture(scope="module")
def content():
    return describe(build())


@pytest.fixture
def card(content, tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)

    def make(**changes):
        return make_card(read_config(content | changes, "here"), SCORES, History.read(tmp_path), ("samples.png",))

    return make


EVIL = "<script>alert(1)</script> ![x](javascript:x) [y](http://evil) `code` | cell\n# heading\n---\n\x1b[2J"


def test_nothing_in_it_runs(card, content):
    texts = {"summary": [EVIL, EVIL], "source": EVIL, "licence": EVIL, "preset": f"small_cnn/{EVIL}", "zoo": EVIL}
    options = {**content["options"], EVIL: EVIL}
    plugin = {"name": EVIL, "distribution": EVIL, "version": EVIL}
    text = card(**texts, options=options, plugin=plugin, recipe=content["recipe"] | {"optimizer": EVIL})
    _, front, body = text.split("---\n", 2)
    assert yaml.safe_load(front)["model-index"][0]["results"]
    assert "<script" not in body
    assert "\x1b" not in text
    assert "](javascript" not in body.replace("\\", "")[: body.find("x")] or "\\[x\\]" in body
    # No heading and no cell but the card's own.
    headings = [line for line in body.splitlines() if line.startswith("#")]
    assert len(headings) == 7
    for line in body.splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") in (3, 4, 5)


def test_a_web_page_made_from_it_has_no_element_of_others(card, content):
    markdown = pytest.importorskip("markdown_it")
    text = card(summary=[EVIL, EVIL], source=EVIL, options={**content["options"], EVIL: EVIL})
    page = markdown.MarkdownIt().enable("table").render(text.split("---\n", 2)[2])
    assert "<script" not in page
    assert 'evil"' not in page
    assert page.count("<img") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a*b*", r"a\*b\*"), ("<b>", "&lt;b&gt;"), ("a\n\nb", "a b"), ("[x](y)", r"\[x\](y)"), ("\u202ex", r"\\u202ex")],
)
def test_escape(text, shown):
    assert escape(text) == shown


def test_one_seed_is_said_to_be_one(card):
    assert "Trained with one seed, 0" in card()
    several = card(seeds=[{"seed": seed, "score": score} for seed, score in ((0, 700.0), (1, 702.0), (2, 704.0))])
    assert "Over 3 seeds, -ELBO is 702.00 ± 4.97 nats/image" in several


def test_both_values_of_rounding_are_there(card):
    rounding = {"score": "negative_elbo", "before": 700.5, "after": 700.75, "kept": False}
    said = card(rounding=rounding)
    assert "stored as float32; rounding to float16 costs too much: `negative_elbo` is 700.5000 with the" in said
    assert "700.7500 with the rounded ones (+0.2500)" in card(rounding=rounding | {"kept": True}, dtype="float16")


def test_it_is_the_same_each_time(card):
    assert card() == card()
    assert json.dumps(SCORES["negative_elbo"]) in card()


@pytest.mark.parametrize(
    "found", [None, 3, [], {}, {"images": 3}, {"images": "x" * 9, "bits_per_dim": 1, "computed_bits_per_dim": 1}]
)
def test_no_sentence_on_what_was_not_measured(found):
    assert describe_compressed({"compressed": found}) == ""


def test_a_sentence_on_what_was_measured():
    found = {"images": 1000, "bits_per_dim": 1.25, "computed_bits_per_dim": 1.28}
    said = describe_compressed({"compressed": found})
    assert "the first 1,000 test images take 1.2500 bits per dimension" in said
    assert "the model says 1.2800 (-2.34%)" in said
