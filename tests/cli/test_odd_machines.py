"""Commands on odd machines end with one sentence and a status, never with a traceback."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from zoo.cli.printing import print_table
from zoo.cli.streams import standard_streams
from zoo.registry import catalogue
from zoo.startup import explain_backend

ZOO = f"'{sys.executable}' -m zoo"


def shell(line, **settings):
    """Run a line of shell in a new process; return its status, its output and its messages."""
    environment = {**os.environ, "PYTHONPATH": str(Path(zoo.__file__).parents[1]), **settings}
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment, timeout=120)
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_a_closed_stdout_is_said():
    assert shell(f"{ZOO} list >&-") == (1, "", "zoo: stdout is closed\n")


def test_a_full_stdout_is_said():
    status, _, said = shell(f"{ZOO} list >/dev/full")
    assert status == 1
    assert said in (f"zoo: {words}No space left on device\n" for words in ("stdout cannot be written: ", ""))


def test_a_reader_that_has_read_enough_is_no_error():
    status, shown, said = shell(f"{ZOO} datasets | head -n 1; exit $((PIPESTATUS[0] > 1))")
    assert (status, len(shown.splitlines()), said) == (0, 1, "")


@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
def test_messages_that_cannot_be_written_break_nothing(stream, tmp_path):
    status, shown, said = shell(f"{ZOO} list {stream}")
    assert (status, said) == (0, "")
    assert "residual" in shown
    assert shell(f"{ZOO} show nothing {stream}")[0] == 2


def test_no_file_that_is_opened_takes_the_place_of_a_closed_stream(tmp_path):
    code = "import os, sys; from zoo.cli.streams import standard_streams\n"
    code += f"with standard_streams(), open({str(tmp_path / 'opened')!r}, 'w') as file:\n    os.write(1, b'lost')\n"
    shell(f"'{sys.executable}' -c \"{code}\" >&-")
    assert (tmp_path / "opened").read_text() == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_a_terminal_cannot_show_is_written_plainly(encoding):
    table = "[['run'], [['✓ é'], ['✗ \\udc80']]]"
    code = "from zoo.cli.streams import standard_streams; from zoo.cli.printing import print_table\n"
    code += f"with standard_streams(): print_table(*{table})\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": encoding}
    )
    header, rule, good, bad = done.stdout.decode(encoding).splitlines()
    assert header.strip() == "run"
    expected = {"ascii": ("-", "+ \\xe9", "x"), "latin-1": ("-", "+ é", "x"), "utf-8": ("─", "✓ é", "✗")}[encoding]
    assert (set(rule), good.strip(), bad.strip()) == ({expected[0]}, expected[1], f"{expected[2]} \\x80")


SETTINGS = {
    "[1]": "is a list: expected an object",
    "3": "is 3: expected an object",
    '{"floatx": "float16"}': "floatx is 'float16': expected float32 or float64",
    '{"floatx": ["float32"]}': "floatx is ['float32']: expected float32 or float64",
    '{"image_data_format": "channels_first"}': "expected channels_last, since images are (height, width, channels)",
    '{"epsilon": "small"}': "epsilon is 'small': expected a number",
    '{"backend": {}}': "backend is {}: expected one of tensorflow, jax, torch",
    '{"backend": "nope"}': "Keras' backend is 'nope': expected tensorflow, jax, torch",
}


@pytest.mark.parametrize("content", SETTINGS)
def test_settings_of_keras_that_cannot_be_used_are_one_sentence(content, monkeypatch, tmp_path):
    (tmp_path / "keras.json").write_text(content)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert SETTINGS[content] in explain_backend()


@pytest.mark.parametrize("content", ["{", "", "\x00", '{"floatx": "float64"}', "[" * 100_000])
def test_settings_that_keras_passes_over_or_can_use_are_left_to_it(content, monkeypatch, tmp_path):
    (tmp_path / "keras.json").write_text(content)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert explain_backend() is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"KERAS_BACKEND": "nope"}, "Keras' backend is 'nope': expected tensorflow, jax, torch"),
        ({"KERAS_MAX_EPOCHS": "many"}, "KERAS_MAX_EPOCHS is 'many': expected a whole number"),
    ],
)
def test_a_command_that_needs_keras_says_what_is_wrong_with_it(settings, words, tmp_path):
    status, _, said = shell(f"{ZOO} verify '{tmp_path}'", **settings)
    assert status == 1
    assert said.startswith(f"zoo: {words}")
    assert len(said.splitlines()) == 1
    assert shell(f"{ZOO} list", **settings)[0] == 0


def test_keras_that_cannot_be_loaded_for_lack_of_memory_is_one_sentence(tmp_path):
    if resource.getrlimit(resource.RLIMIT_AS)[1] != resource.RLIM_INFINITY:
        pytest.skip("the address space is limited already")
    status, _, said = shell(f"ulimit -v 800000; {ZOO} verify '{tmp_path}'", OPENBLAS_NUM_THREADS="1")
    assert status == 1
    assert said.splitlines()[-1].startswith("zoo: Keras cannot be imported with ")
    assert "there is not enough memory" in said


@pytest.mark.parametrize("seconds", [0, 4.5e9])
def test_a_clock_that_model_files_cannot_hold_is_said_before_training(seconds, monkeypatch, tmp_path):
    from support.small_models import make_model

    model = make_model()
    monkeypatch.setattr(time, "time", lambda: seconds)
    for call in (lambda: model.save(tmp_path / "m.keras"), lambda: zoo.train("small_cnn/mnist_sample", out=tmp_path)):
        with pytest.raises(ValueError, match=r"the clock of this machine shows the year (1970|2112): model files hold"):
            call()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RuntimeError("odd\nthing"), 1, "zoo: RuntimeError: odd thing (zoo --debug shows where)"),
        (RecursionError("maximum recursion depth exceeded"), 1, "zoo: RecursionError: maximum recursion depth"),
        (MemoryError(), 1, "zoo: there is not enough memory"),
        (FileNotFoundError(2, "No such file", "a.txt"), 1, "zoo: a.txt: No such file"),
        (ValueError("wrong.\n\nArguments received by Dense.call():\n  - x"), 2, "zoo: wrong."),
        (ValueError(), 2, "zoo: ValueError (zoo --debug shows where)"),
        (KeyboardInterrupt(), 130, "zoo: interrupted"),
        (GeneratorExit(), 1, "zoo: GeneratorExit"),
    ],
)
def test_any_error_is_a_sentence_and_a_status(error, status, said, command, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(catalogue, "_load", fail)
    result = command("plugins")
    assert (result.exit_code, len(result.stderr.splitlines())) == (status, 1)
    assert result.stderr.startswith(said)
    shown = command("--debug", "plugins")
    assert shown.exit_code == status
    assert "Traceback" in shown.stderr


def test_streams_are_put_back():
    before = sys.stdout, sys.stderr
    with standard_streams():
        print_table(["a"], [["b"]])
    assert (sys.stdout, sys.stderr) == before
