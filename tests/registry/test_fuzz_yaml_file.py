"""The registry reader meets damaged and invented files: it gives a ``RegistryFile``, or an error of one sentence.

A few inputs belong to the suite. For many: ``ZOO_FUZZ=100000 pytest tests/test_fuzz_registry.py -m slow``.
"""

import os
import string

import pytest

from zoo.errors import RegistryFileError
from zoo.registry.yaml_file import RegistryFile, builtin_path, read_registry_file

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

MANY, FEW = int(os.environ.get("ZOO_FUZZ", "2000")), 100
WORDS = [
    "version",
    "plugins",
    "datasets",
    "presets",
    "benchmark",
    "recipe",
    "config",
    "reference",
    "mnist",
    "*/mnist-binary",
    "small_cnn/mnist",
    "epochs",
    "learning_rate",
    "kl_weight",
    "warm_up_steps",
    "1",
    "0",
    "-1",
    "1e-3",
    ".nan",
    ".inf",
    "1_0",
    "2024-99-99",
    "0x1F",
    "null",
    "~",
    "yes",
    "&a",
    "*a",
    "<<",
    "!!python/object:os.system",
    "!!binary",
    "!x",
    "!!set",
    "?",
    ":",
    "-",
    ",",
    "[",
    "]",
    "{",
    "}",
    "|",
    ">",
    "'",
    '"',
    "#",
    "%",
    "@",
    "`",
    "---",
    "...",
    "=",
    "[[[[",
    "{{",
]
TOKENS = [*WORDS, ": ", "- ", "\n", "\n  ", "\n    ", "\t", "\ufeff", "\x00", "\u2028", "\\u12"]
TEXT = builtin_path().read_text(encoding="utf-8")
LINES = TEXT.splitlines(keepends=True)


@st.composite
def changed(draw):
    """Take the built-in file with some lines moved, cut, or replaced by tokens."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1)) if lines else 0
        match draw(st.integers(0, 4)):
            case 0 if lines:
                del lines[place]
            case 1 if lines:
                lines.insert(place, lines[draw(st.integers(0, len(lines) - 1))])
            case 2:
                lines.insert(place, "".join(draw(st.lists(st.sampled_from(TOKENS), max_size=8))) + "\n")
            case 3 if lines:
                cut = draw(st.integers(0, len(lines[place])))
                lines[place] = lines[place][:cut] + draw(st.sampled_from(TOKENS)) + lines[place][cut:]
            case 4 if lines:
                lines[place] = lines[place][: draw(st.integers(0, len(lines[place])))]
    return "".join(lines).encode()


CONTENTS = st.one_of(
    changed(),
    st.lists(st.sampled_from(TOKENS), max_size=40).map(lambda tokens: "version: 1\n" + "".join(tokens)).map(str.encode),
    st.binary(max_size=80),
    st.text(string.printable, max_size=80).map(str.encode),
)


@pytest.mark.parametrize(
    "examples", [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)]
)
def test_any_file_is_read_or_refused_in_one_sentence(tmp_path_factory, examples):
    hypothesis.configuration.set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))
    path = tmp_path_factory.mktemp("fuzz") / "registry.yaml"

    @hypothesis.settings(max_examples=examples, deadline=None, database=None, derandomize=True)
    @hypothesis.given(CONTENTS)
    def read(content):
        path.write_bytes(content)
        try:
            file = read_registry_file(path)
        except RegistryFileError as error:
            message = str(error)
        else:
            assert isinstance(file, RegistryFile)
            return
        assert message.startswith(str(path)), message
        assert "\n" not in message
        assert len(message) < len(str(path)) + 500

    read()
