"""Text from outside as it may be shown: on terminals, in logs, in Markdown and on pages."""

from __future__ import annotations

import logging
import re
import unicodedata

LONGEST = 4000  # Characters of a message; what is longer is cut in its middle.
# Controls, marks that are not seen or turn the direction of what follows, halves of pairs, and breaks of lines.
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # Some scripts and emoji are written with them.
_QUOTED = 2000  # Characters of an error's text that messages quote.
_COLOURS = re.compile(r"\x1b\[[\d;]*m")


def show(text: object, *, most: int | None = None, lines: bool = False) -> str:
    r"""Return text in which every character can be seen: ``\x1b`` instead of the character that begins a command.

    All text that does not come from the zoo itself goes through this before it is shown: names in files and of files,
    plugins' texts, messages of other libraries. Terminals take control characters for commands, and bidirectional marks
    make text read as what it is not. Bytes of a file's name that are not UTF-8 become escapes too.

    Args:
        text: text, or anything that ``str`` turns into text.
        most: the most characters; what is longer is cut in its middle, with a note of how much. None: all.
        lines: keep the ends of lines, and tabs.
    """
    whole = text_of(text, None)
    if most is None:
        return _escape_all(whole, lines)
    # Cut before the escapes too, since long texts take long.
    shown = _escape_all(whole if len(whole) <= 2 * most else whole[:most] + whole[-most:], lines)
    if len(shown) <= most:
        return shown
    note = f" [... {len(whole):,} characters in all ...] "
    kept = max(0, most - len(note))
    tail = kept // 4
    return shown[: kept - tail] + note + shown[len(shown) - tail :]


def show_line(text: object, *, most: int = LONGEST) -> str:
    """Return a message as one line to show: without the colours that Keras uses, cut in its middle if it is long."""
    whole = drop_colours(text_of(text, None))
    return show(" ".join(line for it in whole.splitlines() if (line := it.strip())), most=most)


def text_of(error: object, longest: int | None = _QUOTED) -> str:
    """Return an error's message, or as many characters of it, whatever its class does when it is asked."""
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as another:
        return f"(no text: its __str__ raised {type(another).__name__})"
    return text if longest is None or len(text) <= longest else f"{text[:longest]} ... ({len(text):,} characters)"


def drop_colours(text: str) -> str:
    """Return text without the escape codes of colours and bold letters, which Keras puts into its messages."""
    return _COLOURS.sub("", text)


def _escape_all(text: str, lines: bool) -> str:
    usual = text.replace("\n", "").replace("\t", "") if lines else text
    if usual.isprintable():
        return text
    kept = _JOINERS + ("\n\t" if lines else "")
    return "".join(
        each if each in kept or unicodedata.category(each) not in _HIDDEN else _escape(each) for each in text
    )


def _escape(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"  # A byte that is not UTF-8, as Python keeps it in names of files.
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")


class _Plain(logging.Filter):
    """Makes one line of each message that is logged, and shows all of its characters."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = show_line(record.getMessage()), None
        return True


def show_logs() -> None:
    """Let everything that the zoo logs go through ``show_line``, whatever handler prints it."""
    logger = logging.getLogger("zoo")
    if not any(isinstance(it, _Plain) for it in logger.filters):
        logger.addFilter(_Plain())
