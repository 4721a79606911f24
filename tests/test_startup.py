"""The start of Keras and its backend."""

import importlib.util
import os
import subprocess
import sys

import pytest

from zoo import startup
from zoo.startup import explain_backend


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (
            "torch",
            "Keras' backend is torch, which is not installed: pip install torch, or choose",
        ),
        ("foo", "Keras' backend is 'foo': expected tensorflow, jax, torch (KERAS_BACKEND, or keras.json)"),
    ],
)
def test_a_backend_that_is_missing_is_one_sentence(monkeypatch, backend, words):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    found = importlib.util.find_spec
    monkeypatch.setattr(startup, "find_spec", lambda name: None if name == "torch" else found(name))
    assert explain_backend().startswith(words)
    code = (
        "import sys, importlib.util, zoo\n"
        "zoo.list_models()\n"
        "sys.modules['torch'] = None\n"
        "find = importlib.util.find_spec\n"
        "zoo.startup.find_spec = lambda name: None if name == 'torch' else find(name)\n"
        "for name in ('create_model', 'create_model', 'layers'):\n"
        "    try: getattr(zoo, name)\n"
        "    except ImportError as error: print(error, error.__context__)\n"
        "try: from zoo.likelihoods import Bernoulli\n"
        "except ImportError as error: print(error, error.__context__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{explain_backend()} None\n" * 4


@pytest.mark.slow
def test_tensorflow_starts_without_its_messages_unless_it_is_told_to():
    code = "import zoo, os, sys; assert 'keras' not in sys.modules; {}; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    cases = (
        ({}, "3", "zoo.create_model"), ({}, "3", "import zoo.layers"), ({"TF_CPP_MIN_LOG_LEVEL": "1"}, "1", "0")
    )  # fmt: skip
    for given, expected, use in cases:
        command = [sys.executable, "-c", code.format(use)]
        done = subprocess.run(command, env={**environment, **given}, capture_output=True, text=True, check=True)
        assert done.stdout == f"{expected}\n"
        assert given or not done.stderr


def test_only_tensorflows_own_messages_are_dropped():
    code = (
        "import os, zoo.startup\n"
        "with zoo.startup.without_messages():\n"
        "    os.write(2, b'I0000 00:00:1795730035.485792   17354 port.cc:153] oneDNN\\n')\n"
        "    os.write(2, b'2026-01-01 10:00:00.123: E external/cuda.cc:1] no device\\n')\n"
        "    os.write(2, b'A warning of a plugin\\n')\n"
        "os.write(2, b'I0000 afterwards\\n')\n"
    )
    for level, dropped in ((None, 2), ("0", 0)):
        environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": level} if level else {}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        lines = done.stderr.splitlines()
        assert len(lines) == 4 - dropped
        assert lines[-2:] == ["A warning of a plugin", "I0000 afterwards"]
