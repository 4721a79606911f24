"""Why a training ended early, in one sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.shown import LONGEST, show, text_of
from zoo.training.user_callbacks import find_raising

_STACK = '\n  File "'
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG)


def explain(error: BaseException, folder: Path, precision: str | None, callbacks: Iterable[Any]) -> str:
    """Return why a training failed, of bounded length and with every character to be seen.

    Args:
        error: what was raised.
        folder: the run's folder.
        precision: the precision of the training steps.
        callbacks: the user's callbacks, which are named if one of them raised.
    """
    return show(_explain(error, folder, precision, callbacks), most=LONGEST, lines=True)


def _explain(error: BaseException, folder: Path, precision: str | None, callbacks: Iterable[Any]) -> str:
    if isinstance(error, ZooError):
        return str(error)
    own = find_raising(error, callbacks)
    if own is not None:
        return f"the callback {type(own).__name__} raised {type(error).__name__}: {text_of(error)}"
    if isinstance(error, OSError) and error.errno in _DISK:
        return f"{folder} cannot be written to: {error.strerror}"
    message = text_of(error, None)
    if _STACK in message:
        # For an error in a compiled step, TensorFlow reports the stack of its tracing first, then the cause.
        message = next(filter(None, message.rpartition(_STACK)[2].splitlines()[1:]), message)
    reason = f"{type(error).__name__}: {message}"
    if precision == "bfloat16" and type(error).__module__.startswith("tensorflow"):
        reason += " (it computed in bfloat16: to avoid that, use precision=float32, --set precision=float32)"
    return reason
