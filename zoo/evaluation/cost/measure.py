"""The cost of a model: parameters, floating-point operations, time and memory."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.autoencoder.checks.activations import bytes_per_image
from zoo.autoencoder.model import AutoEncoder
from zoo.data.memory import explain_shortage
from zoo.evaluation.cost.flops import count_flops
from zoo.evaluation.cost.inference import compile_call, fill_inputs, find_inputs
from zoo.evaluation.cost.memory import peak_memory
from zoo.factory.assemble import parameter_count

logger = logging.getLogger("zoo")
BATCHES = (1, 128)
# Duration of each measurement, and the time after which it ends with fewer calls than wanted.
SECONDS = 0.1
SECONDS_AT_MOST = 5.0
WARM_UP_CALLS = 3
CALLS = 15
CALLS_AT_MOST = 100
# A batch expected to take longer than this is not measured.
SECONDS_OF_A_CALL = 10.0


def measure_cost(model: AutoEncoder) -> dict[str, Any]:
    """Measure the cost of encoder and decoder in inference.

    Times depend on the machine and on what else it does: compare only times measured on one idle machine. This takes
    about a second for a small model, and at most about a minute for a large one.

    Args:
        model: the model; its weights and its random state are not changed.

    Returns:
        A dict for JSON.

        - ``parameters``: number of parameters of encoder and decoder.
        - ``flops``: ``{"encoder": n, "decoder": n}``, floating-point operations for one image, as ``count_flops``
          counts them: two for each multiply-add of convolutions and matrix products.
        - ``encode_ms``: ``{"1": x, "128": y}``, the median time of one compiled call of the encoder on that many
          images, until its result is in the host's memory; milliseconds. A batch that would take longer than
          ``SECONDS_OF_A_CALL``, or more memory than is free, is None.
        - ``decode_ms``: the same for the decoder.
        - ``peak_memory_mb``: peak memory of the whole process on the host so far, not only of the model; MiB (2**20
          bytes); None if the system does not report it.

        ``flops`` of a part, ``encode_ms`` and ``decode_ms`` are None if they do not apply or cannot be measured: a
        subclass's part may not be a model with one input of a known shape, and labels, and one that raises causes a
        warning.
    """
    return {
        "parameters": parameter_count(model),
        "flops": {
            "encoder": _or_none("operations of the encoder", lambda: count_flops(model.inference_network())),
            "decoder": _or_none("operations of the decoder", lambda: count_flops(model.decoder)),
        },
        "encode_ms": _or_none(
            "time to encode", lambda: _time(model.inference_network(), lambda generator, shape: generator.random(shape))
        ),
        "decode_ms": _or_none(
            "time to decode", lambda: _time(model.decoder, lambda generator, shape: generator.standard_normal(shape))
        ),
        "peak_memory_mb": peak_memory(),
    }


def _or_none(what: str, measure: Callable[[], Any]) -> Any:
    # Do not lose a trained model because a batch of 128 does not fit into memory or a layer is unexpected.
    try:
        return measure()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        reason = (str(error).splitlines() or [""])[0]
        logger.warning("%s cannot be measured: %s: %s", what, type(error).__name__, reason[:200])
        return None


def _time(part: Any, draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]) -> dict[str, Any] | None:
    found = find_inputs(part)
    if found is None or not keras.backend.is_float_dtype(found[0][1]):
        return None
    call, generator = compile_call(part), np.random.default_rng(0)
    times: dict[str, float | None] = {}
    for batch in BATCHES:
        expected = batch * (times.get("1") or 0.0) / 1000
        if expected > SECONDS_OF_A_CALL or explain_shortage(batch * bytes_per_image(part)[0]):
            times[str(batch)] = None
            continue
        inputs = fill_inputs(found, draw(generator, (batch, *found[0][0])))
        times[str(batch)] = 1000 * _median_seconds(call, inputs)
    return times


def _median_seconds(call: Callable[[Any], Any], inputs: Any) -> float:
    begun = time.perf_counter()
    for _ in range(WARM_UP_CALLS):  # The first call compiles; the next ones fill caches and start threads.
        call(inputs)
        if time.perf_counter() - begun > SECONDS_AT_MOST:
            break
    seconds: list[float] = []
    begun = now = time.perf_counter()
    while len(seconds) < CALLS_AT_MOST:
        if seconds and now - begun > (SECONDS if len(seconds) >= CALLS else SECONDS_AT_MOST):
            break
        call(inputs)
        before, now = now, time.perf_counter()
        seconds.append(now - before)
    return statistics.median(seconds)
