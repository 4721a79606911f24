"""What comes from outside is shown with all of its characters, wherever it is printed."""

import logging
import os
import unicodedata
import warnings

import pytest

import zoo
from zoo.errors import ModelLoadError, RunError, UnknownNameError, one_line
from zoo.shown import LONGEST, show, show_line

EVIL = "\x1b]0;owned\x07\x1b[2J\r\x9b1m\N{RIGHT-TO-LEFT OVERRIDE}cod\N{POP DIRECTIONAL ISOLATE}\x7f"
JOINED = "می\N{ZERO WIDTH NON-JOINER}خواهم 👩\N{ZERO WIDTH JOINER}🔬"
SEEN = r"\x1b]0;owned\x07\x1b[2J\r\x9b1m\u202ecod\u2069\x7f"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (EVIL, SEEN),
        ("small_cnn/mnist", "small_cnn/mnist"),
        ("Größe 数字 ﷽ 数字\u3000a\u00a0b", "Größe 数字 ﷽ 数字\u3000a\u00a0b"),
        (JOINED, JOINED),
        ("a\nb\tc", r"a\nb\tc"),
        (os.fsdecode(b"a\xff\x80"), r"a\xff\x80"),
        ("\ud800", r"\ud800"),
        ("\N{LINE SEPARATOR}\N{ARABIC LETTER MARK}\ufeff\U000e0041", r"\u2028\u061c\ufeff\U000e0041"),
        (3, "3"),
        (None, "None"),
    ],
)  # fmt: skip
def test_every_character_can_be_seen(text, shown):
    assert show(text) == shown
    assert show(show(text)) == show(text)


def test_no_character_of_unicode_slips_through():
    everything = "".join(map(chr, range(0x110000)))
    left = {letter for letter in show(everything) if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert left == {"\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}
    show(everything).encode("utf-8")
    assert {"\n", "\t"} == {it for it in show(everything, lines=True) if it.isspace() and ord(it) < 32}


def test_lines_and_lengths():
    assert show("a\nb\tc\r\x1b", lines=True) == "a\nb\tc\\r\\x1b"
    assert show_line("\x1b[1mInput\x1b[0m is\n\n   wrong:  no image\n") == "Input is wrong:  no image"
    assert show_line("x" * LONGEST) == "x" * LONGEST
    long = show_line("begin " + "y" * 10_000_000 + " end")
    assert long.startswith("begin y")
    assert long.endswith("y end")
    assert "[... 10,000,010 characters in all ...]" in long
    assert len(long) == LONGEST
    assert show_line(long) == long
    assert len(show_line("\x1b" * 10_000_000)) == LONGEST


@pytest.mark.parametrize("kind", [RunError, ModelLoadError, UnknownNameError])
def test_errors_show_what_they_quote(kind):
    assert str(kind(f"{EVIL}: no\nfile")) == f"{SEEN}: no\nfile"
    assert str(kind("\x1b[1mInput\x1b[0m is wrong")) == "Input is wrong"  # As Keras writes it.
    assert one_line(kind(EVIL)) == SEEN
    assert one_line(ValueError(EVIL)) == SEEN.replace(r"\r", " ")


def test_logs_are_shown_whatever_prints_them(caplog):
    with caplog.at_level(logging.WARNING, logger="zoo"):
        logging.getLogger("zoo").warning("%s: failed: %s", EVIL, "two\nlines")
    (record,) = caplog.records
    assert record.getMessage() == record.msg
    assert record.msg == r"\x1b]0;owned\x07\x1b[2J \x9b1m\u202ecod\u2069\x7f: failed: two lines"


def test_names_of_plugins_are_shown_in_warnings():
    from zoo.registry.loading import Plugin
    from zoo.registry.messages import warn_of_failures
    from zoo.registry.record import PluginRecord

    record = PluginRecord(name=EVIL, origin="x", version=None, status="failed", provides=(), error="\x1b[31mred")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_failures([Plugin(record)])
    (warning,) = caught
    assert not any(unicodedata.category(letter) == "Cc" for letter in str(warning.message))


def test_representations():
    import numpy as np

    split = zoo.Split(np.zeros((2, 4, 4, 1), "uint8"), np.zeros(2, int), dataset=EVIL, part="test")
    assert SEEN in repr(split)
    assert SEEN in repr(zoo.Run(EVIL))
    assert "\x1b" not in zoo.Run(EVIL)._repr_html_()
