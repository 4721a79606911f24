"""Plugins that raise what is no error, change the process, leave threads behind or end it: the others are listed."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from support.plugin_records import BUILT_IN

import zoo
from zoo.environment import keras_home
from zoo.errors import PluginLoadWarning
from zoo.registry import import_timer

ZOO = [sys.executable, "-m", "zoo"]
HOOK = """
import zoo
@zoo.hookimpl
def zoo_architectures():
    yield zoo.Architecture("mine", "Mine", encoder="a:b", decoder="a:b", defaults={"latent_dim": 2})
"""


@pytest.fixture
def load(clean_registry, monkeypatch, tmp_path):
    """Discover a plugin file with this code, and return its record and the warnings."""

    def discover(code):
        (tmp_path / "odd.py").write_text(code)
        (tmp_path / "registry.yaml").write_text("version: 1\nplugins: [./odd.py]\n")
        monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "registry.yaml"))
        zoo.refresh()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            models = zoo.list_models()
        assert "residual" in models
        (record,) = (record for record in zoo.list_plugins() if record.name == "odd")
        return record, [str(warning.message) for warning in caught]

    yield discover
    for name in [name for name in sys.modules if name.startswith("zoo_plugin_file_odd")]:
        del sys.modules[name]


@pytest.fixture
def run(tmp_path):
    """Run the command in a new process, with a plugin file of this code."""

    def start(code, *arguments, **settings):
        (tmp_path / "odd.py").write_text(code)
        (tmp_path / "registry.yaml").write_text("version: 1\nplugins: [./odd.py]\n")
        environment = {**os.environ, "PYTHONPATH": str(Path(zoo.__file__).parents[1]), "KERAS_HOME": str(tmp_path)}
        return subprocess.run(
            [*ZOO, "--registry", str(tmp_path / "registry.yaml"), *arguments],
            env=environment | settings, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    return start


RAISING = {
    "import asyncio; raise asyncio.CancelledError()": "CancelledError",
    "raise GeneratorExit": "GeneratorExit",
    "class Own(BaseException): pass\nraise Own('no torch')": "Own: no torch (odd.py, line 2)",
    "import pytest; pytest.skip('no torch', allow_module_level=True)": "Skipped",
    "class E(Exception):\n    def __str__(self): return None\nraise E": "E: (no text: its __str__ raised TypeError)",
    "class E(Exception):\n    def __str__(self): raise SystemExit(3)\nraise E": "its __str__ raised SystemExit)",
    "class E(Exception):\n    def __str__(self): return str(self)\nraise E": "its __str__ raised RecursionError)",
    "raise ValueError('x' * 10**7)": "10,000,000 characters in all",
    "raise StopIteration": "StopIteration",
    "def f(): yield 1\ndef zoo_architectures(): pass": "is not marked",
}


@pytest.mark.parametrize("code", RAISING)
def test_whatever_a_plugin_raises_is_recorded(load, code):
    record, told = load(code)
    assert record.status == "failed"
    assert RAISING[code] in record.error
    assert len(record.error) < 5000
    assert len(told) == 1


@pytest.mark.parametrize(
    "error", ["asyncio.CancelledError()", "GeneratorExit()", "BaseException('x')", "SystemExit(3)", "StopIteration()"]
)
def test_whatever_a_hook_raises_is_recorded(load, error):
    record, _ = load(HOOK + f"    import asyncio; raise {error}\n")
    assert (record.status, record.provides) == ("failed", ())


def test_ctrl_c_is_not_taken_for_a_fault(load):
    with pytest.raises(KeyboardInterrupt, match="importing plugin odd"):
        load("raise KeyboardInterrupt")


OPTIONS = [
    "__import__('threading').Lock()", "(i for i in ())", "__import__('os')", "__import__('io').StringIO()", "object()",
    "{1, 2}", "b'x'", "3j", "float('nan')", "float('inf')", "10**5000", "'\\ud800'", "'x' * 10**7", "print",
    "list(range(10**6))", "type('T', (), {'__repr__': lambda self: 1 / 0})()",
    "(lambda a: (a.append(a), a)[1])([])", "{(1, 2): 3}", "eval('[' * 50 + ']' * 50)",
    "__import__('datetime').date(2026, 1, 1)",
]  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_a_default_that_is_no_plain_value_is_refused_where_it_is_declared(load, option):
    record, _ = load(HOOK.replace('"latent_dim": 2', f'"latent_dim": 2, "thing": {option}'))
    assert record.status == "failed"
    assert "ValueError: " in record.error
    assert "architecture mine: defaults: thing" in record.error
    assert "expected" in record.error
    assert len(record.error) < 500


def test_defaults_are_copied_and_show_as_plain_values(architecture):
    widths = [1, 2]
    options = {"latent_dim": np.int64(4), "widths": widths, "rate": np.float64(0.5), "pair": (1, [2]), "none": None}
    made = architecture(defaults=options, size_defaults={48: {"widths": [5]}})
    widths.append(3)
    assert made.defaults == {"latent_dim": 4, "widths": [1, 2], "rate": 0.5, "pair": (1, [2]), "none": None}
    assert json.loads(json.dumps(dict(made.defaults)))["latent_dim"] == 4
    with pytest.raises(ValueError, match=r"size_defaults\[48\]: widths is .*: expected plain values"):
        architecture(defaults=options, size_defaults={48: {"widths": object()}})


@pytest.mark.parametrize(
    "fields",
    ["'mine', '\\ud800'", "'mine', 'x' * 10**6", "'mine', b'x'", "'m' * 300, 'x'", "'mine', 'x', source=print"],
)
def test_texts_that_cannot_be_printed_are_refused(load, fields):
    record, _ = load(HOOK.replace('"mine", "Mine"', fields))
    assert record.status == "failed"
    assert "expected" in record.error


def test_a_subclass_that_answers_differently_each_time_is_refused(load):
    code = HOOK.replace("@zoo", "class Lying(zoo.Architecture):\n    pass\n@zoo", 1).replace(
        "yield zoo.Architecture(", "yield Lying("
    )
    assert "expected zoo.Architecture" in load(code)[0].error


CHANGES = {
    "import sys; sys.setrecursionlimit(3000)": "the recursion limit (3,000)",
    "import os; os.chdir('/')": "the working directory (/)",
    "import os; os.environ['KERAS_BACKEND'] = 'torch'": "environment variables of Keras or the zoo",
    "import warnings; warnings.simplefilter('error')": "the filters of all warnings",
    "import warnings; warnings.filterwarnings('ignore')": "the filters of all warnings",
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)": "the handler of SIGINT",
    "import sys, io; sys.stderr = io.StringIO()": "sys.stderr",
    "import numpy; numpy.seterr(all='raise')": "NumPy's handling of errors",
    "import random; random.seed(1)": "Python's random seed",
    "import numpy; numpy.random.seed(1)": "NumPy's random seed",
}


@pytest.fixture
def interruptible():
    """Ctrl-C as in a terminal: a process that a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _state():
    import keras

    policy = keras.config.dtype_policy().name
    return [
        sys.getrecursionlimit(), os.getcwd(), os.environ.get("KERAS_BACKEND"), signal.getsignal(signal.SIGINT),
        sys.stderr,
        np.geterr(), random.getstate(), np.random.get_state()[1].tolist(), keras.config.floatx(), policy,
        keras.config.image_data_format(),
    ]  # fmt: skip


@pytest.mark.parametrize("code", CHANGES)
@pytest.mark.parametrize("end", [HOOK, "\nraise RuntimeError('afterwards')"], ids=["ok", "raising"])
def test_what_an_import_changes_for_everyone_is_put_back_and_told(
    load, code, end, interruptible, monkeypatch, tmp_path
):
    (tmp_path / "registry.yaml").touch()
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "registry.yaml"))
    before, filters = _state(), list(warnings.filters)
    record, told = load(code + end)
    assert _state() == before
    assert list(warnings.filters) == filters
    assert record.status == ("ok" if end == HOOK else "failed")
    assert record.note == f"changed {CHANGES[code]}, which was put back"
    assert told[-1].startswith("the import of plugin odd (")
    assert record.note in told[-1]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("keras.config.set_dtype_policy('mixed_float16')", "Keras' dtype policy (mixed_float16)"),
        ("keras.config.set_floatx('float64')", "Keras' floatx (float64)"),
        ("keras.config.set_image_data_format('channels_first')", "Keras' image data format (channels_first)"),
        ("keras.utils.set_random_seed(1)", "Python's random seed, NumPy's random seed"),
    ],
)
def test_keras_settings_are_put_back(load, code, said):
    before = _state()
    record, _ = load(f"import keras\n{code}\n{HOOK}")
    assert _state() == before
    assert record.note == f"changed {said}, which was put back"


def test_a_limit_that_is_too_low_to_go_on_with_is_put_back(load):
    limit = sys.getrecursionlimit()
    code = "import sys, inspect\nsys.setrecursionlimit(len(inspect.stack(0)) + 12)\n"
    for text in (code + HOOK, HOOK + "    " + code.replace("\n", "; ") + "\n"):
        load(text)
        assert sys.getrecursionlimit() == limit


def test_what_is_as_before_is_not_told(load):
    record, told = load(HOOK + "print('hello')\nimport sys; sys.stdout.close()\n")
    assert (record.status, record.note, told) == ("ok", None, [])


def test_builders_change_nothing_for_others_either(add, monkeypatch):
    import keras
    from support.dense_parts import build_encoder

    def encoder(image_shape, latent_shape):
        made = build_encoder(image_shape, latent_shape)
        print("building")
        keras.config.set_image_data_format("channels_first")
        return made

    add("odd", encoder=encoder)
    with pytest.warns(UserWarning, match="changed Keras' image data format"):
        zoo.create_model("odd", image_shape=(8, 8, 1))
    assert keras.config.image_data_format() == "channels_last"


LEFT = {
    "thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n",
    "pool": "import concurrent.futures as f, time\nf.ThreadPoolExecutor(1).submit(time.sleep, 600)\n",
    "process": "from multiprocessing import get_context\nimport time\n"
    "get_context('fork').Process(target=time.sleep, args=(600,)).start()\n",
}


@pytest.mark.parametrize("what", LEFT)
def test_what_a_plugin_leaves_running_does_not_keep_the_list_from_ending(run, what):
    start = time.monotonic()
    done = run(LEFT[what] + HOOK, "list", "--json")
    assert done.returncode == 0
    assert {"mine", "residual"} <= {model["name"] for model in json.loads(done.stdout)}
    assert f"left a {'process' if what == 'process' else 'thread'} running" in done.stderr
    assert time.monotonic() - start < 30


def test_a_thread_that_ends_by_itself_is_nothing(load):
    record, _ = load("import threading\nt = threading.Thread(target=int); t.start(); t.join()\n" + HOOK)
    assert record.note is None
    assert threading.active_count() < 100


def test_nothing_that_a_plugin_prints_is_part_of_a_result(run):
    code = "import os, sys\nprint('one')\nos.write(1, b'two\\n')\nos.system('echo three')\n"
    done = run(code + "sys.__stdout__.write('four\\n')\nsys.__stdout__.flush()\n" + HOOK, "list", "--json")
    assert {"mine", "residual"} <= {model["name"] for model in json.loads(done.stdout)}
    assert {"one", "two", "three", "four"} <= set(done.stderr.splitlines())


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)", "import ctypes; ctypes.string_at(0)"])
def test_a_plugin_that_ends_the_interpreter_is_named_at_the_next_start(run, end):
    def read(done):
        return [line for line in done.stderr.splitlines() if line.startswith("zoo: an earlier")]

    code = f"import os\n{end}\n" + HOOK
    first, second = run(code, "list"), run(code, "list")
    assert first.stdout == second.stdout == ""
    assert not read(first)
    (said,) = read(second)
    assert said.startswith("zoo: an earlier process ended while it was importing plugin odd (")
    assert said.endswith("ZOO_DISABLE_PLUGINS=odd leaves it out")
    third = run(code, "list", ZOO_DISABLE_PLUGINS="odd")
    assert "residual" in third.stdout
    assert read(third)
    last = run(HOOK, "list")
    assert "mine" in last.stdout
    assert last.stderr == ""


def test_a_plugin_that_is_still_being_imported_elsewhere_is_not_named(load, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    code = "import subprocess, sys\nimport zoo\nfrom zoo.registry.isolation import marker\n"
    code += "subprocess.run([sys.executable, '-c', 'from zoo.registry.isolation import marker; import logging; "
    code += "logging.basicConfig(); marker.tell_of_crashes()'], stderr=open('said', 'w'), check=True)\n"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(zoo.__file__).parents[1]))
    assert load(code + HOOK)[0].status == "ok"
    assert (tmp_path / "said").read_text() == ""
    assert not list((keras_home() / "zoo-imports").iterdir())


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{}", b"[" * 5000, b'{"name": 1, "origin": "\\u001b[31m"}'])
def test_a_damaged_marker_is_no_matter(clean_registry, monkeypatch, tmp_path, content, caplog):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "zoo-imports"
    folder.mkdir()
    (folder / "x.json").write_bytes(content)
    with caplog.at_level(logging.WARNING, "zoo"):
        assert "residual" in zoo.list_models()
    assert not list(folder.iterdir())


def test_without_a_folder_for_markers_plugins_load(load, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    assert load(HOOK)[0].status == "ok"


@pytest.mark.filterwarnings("ignore::zoo.errors.PluginLoadWarning")
def test_a_hook_that_never_ends_is_left_out(load, monkeypatch):
    monkeypatch.setattr("zoo.registry.loading.MOST_ITEMS", 10)
    code = HOOK.replace("    yield", "    while True: yield")
    assert "more than 10 items: expected a finite number" in load(code)[0].error
    assert issubclass(PluginLoadWarning, UserWarning)


def test_very_many_architectures_are_listed_in_seconds(load, command, monkeypatch):
    monkeypatch.setattr(import_timer, "PATIENCE", 1000)
    count = 5_000
    code = HOOK.replace("    yield", f"    for n in range({count}): yield").replace('"mine"', "f'mine_{n}'")
    start = time.process_time()
    assert len(load(code)[0].provides) == count
    assert len(command("list").stdout.splitlines()) == count + 1 + len(
        BUILT_IN
    )  # Two lines of the header; the first plugin has data.
    assert "and 4,950 more" in command("plugins").stdout
    assert len(command("list", "*/mnist").stdout.splitlines()) == count + 1 + len(
        BUILT_IN
    )  # Two lines of the header; the first plugin has data.
    assert time.process_time() - start < 10  # Some 1 on a quiet machine.
