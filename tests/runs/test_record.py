"""``run.json`` as dataclasses: the same as its schema, readable however old, refused with the field that is wrong."""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from importlib.resources import files

import jsonschema
import pytest
from support.paths import ROOT

from zoo.errors import RunError
from zoo.json_fields import from_json, is_optional, to_json
from zoo.registry.recipe import Recipe
from zoo.runs.record import (
    STATUSES,
    BestEpoch,
    Environment,
    PluginOrigin,
    Provenance,
    Resumption,
    RunConfig,
    RunRecord,
    SplitFacts,
    begin,
)
from zoo.runs.run import Run
from zoo.runs.writer import RecordWriter

SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())
STORED = sorted((ROOT / "docs" / "leaderboard").rglob("run.json"))
HERE = {"zoo": "1", "python": "3", "backend": "jax", "packages": {"jax": "1"}, "platform": "here", "threads": 1}
RECIPE = Recipe(epochs=3, kl_weight={"warm_up_steps": 2}).to_dict()
CONFIG = RunConfig("a/b", "a", "b", (2, 2, 1), {"filters": [4]}, RECIPE, 7)
PROVENANCE = Provenance(
    **HERE, started="now", plugin=PluginOrigin("p", None, "1"), deterministic=True,
    dataset={part: SplitFacts(4, "0") for part in ("train", "validation", "test")},
)  # fmt: skip
RECORD = begin(CONFIG, PROVENANCE)


def inner(kind):
    """Return the type without None and what holds it, such as a list."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(it for it in typing.get_args(kind) if it is not type(None))
    if typing.get_origin(kind) is tuple:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is Mapping:
        kind = typing.get_args(kind)[1]
    return kind


LEFT_OUT = ("precision", "plugin_sources", "data", "start")  # Absent instead of null.


def check_same(kind, schema, where):
    """Check that a dataclass and an object of the schema have the same fields, and the same of those required."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    assert fields.keys() == schema["properties"].keys(), where
    assert schema["additionalProperties"] is False, where
    required = {name for name, field in fields.items() if not is_optional(field)}
    assert required == set(schema.get("required", ())), where
    for name, annotation in typing.get_type_hints(kind).items():
        part = schema["properties"][name]
        null = type(None) in typing.get_args(annotation) and name not in LEFT_OUT
        assert null == ("null" in part.get("type", ())), f"{where}.{name}"
        if dataclasses.is_dataclass(inner(annotation)):
            held = part["additionalProperties"] if name == "dataset" else part.get("items", part)
            check_same(inner(annotation), held, f"{where}.{name}")


def test_schema_and_dataclasses_have_the_same_fields():
    check_same(RunRecord, SCHEMA, "run.json")
    assert tuple(SCHEMA["properties"]["status"]["enum"]) == STATUSES


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_written_follows_the_schema_and_is_read_again(status, tmp_path):
    writer = RecordWriter(Run(tmp_path), RECORD)
    writer.save()
    jsonschema.validate(json.loads((tmp_path / "run.json").read_text()), SCHEMA)
    writer.note_mode(False)
    writer.note_model(12, "bfloat16")
    writer.note_training(2, 3.5, None)
    writer.note_training(3, 4.5, 10.0)
    writer.note_training(3, 5.5, None)
    writer.note_best(BestEpoch(2, 1.5, 2))
    writer.note_inference({"flops": {"encoder": 3, "decoder": None}, "encode_ms": {"1": 0.5, "128": None}})
    writer.note_end(status, "why")
    writer.save()
    run = Run(tmp_path)
    jsonschema.validate(run.record, SCHEMA)
    assert run.content == writer.record
    assert (run.state, run.best) == (status, {"epoch": 2, "loss": 1.5, "negative_elbo": 2})
    assert run.cost["train_images_per_second"] == 10.0
    assert run.cost["decode_ms"] is None


def test_what_a_resumed_run_writes_follows_the_schema():
    resumed = dataclasses.replace(PROVENANCE, resumed=(Resumption(2, "seed0-1", "now", Environment(**HERE)),))
    record = dataclasses.replace(RECORD, provenance=resumed)
    plain = json.loads(json.dumps(record.to_dict()))
    jsonschema.validate(plain, SCHEMA)
    assert RunRecord.from_dict(plain) == record


@pytest.mark.parametrize("file", STORED, ids=lambda file: "-".join(file.parts[-4:-1]))
def test_runs_that_are_stored_are_read_whole(file):
    run = Run(file.parent)
    stored = json.loads(file.read_text())
    assert json.loads(json.dumps(run.content.to_dict())) == stored
    assert (run.config, run.scores, run.status) == (stored["config"], stored["scores"], "finished")


def test_keys_that_nobody_knows_do_no_harm():
    plain = RECORD.to_dict()
    plain["mood"] = plain["config"]["mood"] = plain["cost"]["mood"] = "good"
    del plain["cost"]["flops"], plain["cost"]["epochs"]
    assert RunRecord.from_dict(plain) == RECORD


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (["config", "seed"], "7", "config.seed is '7': expected a whole number"),
        (["config", "seed"], True, "config.seed is True: expected a whole number"),
        (["config", "image_shape"], [2, 2], r"config.image_shape is \[2, 2\]: expected a list of 3"),
        (["provenance", "deterministic"], 1, "provenance.deterministic is 1: expected true or false"),
        (["provenance", "packages", "jax"], None, "provenance.packages.jax is None: expected text"),
        (["provenance", "dataset", "test"], 3, "provenance.dataset.test is 3: expected a mapping"),
        (["provenance", "resumed"], [{}], r"provenance.resumed\[0\].after_epoch is missing"),
        (["best"], {"epoch": 1, "loss": "low"}, "best.loss is 'low': expected a number"),
        (["scores"], [1], r"scores is \[1\]: expected a mapping"),
        (["schema"], 2, "schema is 2: expected 1"),
        (["status"], "asleep", "status is 'asleep': expected 'running' or"),
    ],
)
def test_a_wrong_field_is_named(keys, value, words):
    plain = entry = RECORD.to_dict()
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = value
    with pytest.raises(RunError, match=f"^{words}"):
        RunRecord.from_dict(plain)


def test_a_missing_field_is_named(tmp_path):
    plain = RECORD.to_dict()
    del plain["provenance"]["started"]
    run = Run(tmp_path)
    run.save(plain)
    with pytest.raises(RunError, match=r"run.json is damaged: provenance.started is missing$"):
        _ = run.config
    assert run.state == "damaged"
    assert run.doubts()[0] == f"{tmp_path / 'run.json'} is damaged: provenance.started is missing"
    with pytest.raises(RunError, match=r"its content is \[\]: expected a mapping"):
        RunRecord.from_dict([])


RESULT = json.loads(STORED[0].read_text())["scores"] | {"iwae": {"k": 5, "nats": 1.5, "images": 3}}
PARTS = {"recipe": RECIPE, "scores": RESULT, "iwae": RESULT["iwae"], "data": RESULT["data"], "best": None}
METRIC = {"title": "t", "unit": "", "digits": 2, "lower_is_better": None, "definition": "d"}


def record_with(part, name, value):
    """Return a finished record in which one field of a part has another value; ``...`` for none."""
    plain = json.loads(json.dumps(RECORD.to_dict() | {"scores": RESULT}))
    scores, config = plain["scores"], plain["config"]
    place = {"recipe": config["recipe"], "scores": scores, "iwae": scores["iwae"], "data": scores["data"]}[part]
    place[name] = value
    if value is ...:
        del place[name]
    return plain


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part in ("recipe", "scores", "iwae", "data") for name in PARTS[part]]
)
def test_the_parts_with_open_keys_follow_the_schema(part, name):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for value in (..., None, True, -1, 0, 1, 2.5, "x", [], [1.5], ["x"], {}, {"a": 1}):
        plain = record_with(part, name, value)
        valid = validator.is_valid(plain)
        try:
            RunRecord.from_dict(plain)
            read = True
        except RunError:
            read = False
        assert read == valid, f"{part}.{name} = {value!r}: read {read}, valid by the schema {valid}"


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"own": METRIC | {"digits": "2"}}, "scores.metrics.own.digits is '2': expected a whole number"),
        ({"own": METRIC | {"lower_is_better": 1}}, "lower_is_better is 1: expected true, false or null"),
        ({"own": 3}, "scores.metrics.own is 3: expected a mapping"),
        ([], r"scores.metrics is \[\]: expected a mapping"),
        ({"kl_per_latent": METRIC}, r"scores.kl_per_latent is \[.*\]: expected a number"),
    ],
)
def test_descriptions_of_scores_are_checked(metrics, words):
    with pytest.raises(RunError, match=words):
        RunRecord.from_dict(record_with("scores", "metrics", metrics))
    good = record_with("scores", "metrics", {"own": METRIC})
    assert RunRecord.from_dict(good).scores["metrics"] == {"own": METRIC}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x" * 20_000, "has 20,000 characters: expected at most 10,000"),
        ([0] * 20_000, "has 20,000 entries: expected at most 10,000"),
        ({str(number): 0 for number in range(20_000)}, "has 20,000 entries: expected at most 10,000"),
        ({"x" * 20_000: 0}, "has 20,000 characters"),
    ],
)
def test_parts_that_are_too_long(value, words):
    for keys in (("config", "options", "x"), ("config", "recipe", "x"), ("scores", "x"), ("provenance", "packages")):
        plain = entry = json.loads(json.dumps(RECORD.to_dict() | {"scores": RESULT}))
        for key in keys[:-1]:
            entry = entry[key]
        entry[keys[-1]] = value
        with pytest.raises(RunError, match=f"{words}|expected") as caught:
            RunRecord.from_dict(plain)
        assert len(str(caught.value)) < 500


def test_an_error_may_be_long():
    plain = RECORD.to_dict() | {"error": "x" * 1_000_000}
    assert RunRecord.from_dict(plain).error == plain["error"]


def test_plain_data_are_a_copy():
    options = {"filters": [4]}
    config = from_json(RunConfig, to_json(CONFIG))
    plain = to_json(dataclasses.replace(config, options=options))
    plain["options"]["filters"].append(5)
    assert options == {"filters": [4]}
    assert config == CONFIG
