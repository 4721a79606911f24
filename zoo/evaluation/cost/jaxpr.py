"""Floating-point operations of a jaxpr, JAX's traced computation; ``count_flops`` has the definition."""

from __future__ import annotations

from typing import Any

from zoo.evaluation.cost.sizes import UncountableError, product

Equation = Any
Jaxpr = Any

LOOPS = ("while", "scan")
OPAQUE = ("pure_callback", "io_callback", "pallas_call", "ffi_call", "custom_partitioning")
# JAX resizes images with matrix products, TensorFlow does not.
RESIZING = "_resize"


def jaxpr_flops(jaxpr: Jaxpr) -> int:
    """Count the operations that a jaxpr needs for its outputs, including those of the jaxprs in it.

    Args:
        jaxpr: a ``Jaxpr``.

    Raises:
        UncountableError: the operations cannot be counted.
    """
    needed = set(map(id, jaxpr.outvars))
    total = 0
    for equation in reversed(jaxpr.eqns):
        if equation.effects or any(id(variable) in needed for variable in equation.outvars):
            needed.update(map(id, equation.invars))
            total += _count(equation)
    return total


def _count(equation: Equation) -> int:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        return _count_product(equation)
    if name == "conv_general_dilated":
        return _count_convolution(equation)
    if name in OPAQUE:
        raise UncountableError
    if params.get("name") == RESIZING:
        return 0
    inner = [jaxpr_flops(jaxpr) for value in params.values() for jaxpr in _jaxprs(value)]
    if name == "cond":
        return max(inner)
    if name in LOOPS and any(inner):
        raise UncountableError
    return sum(inner)


def _count_product(equation: Equation) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    left, output = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    return 2 * product(output) * product(left[axis] for axis in contracted) if contracted else 0


def _count_convolution(equation: Equation) -> int:
    images, kernel = (variable.aval.shape for variable in equation.invars)
    output = equation.outvars[0].aval.shape
    axes = equation.params["dimension_numbers"]
    # In JAX a transposed convolution dilates and pads the image, which is itself no larger than the output.
    spatial = zip(axes.lhs_spec[2:], axes.out_spec[2:], strict=True)
    positions = product(min(images[before], output[after]) for before, after in spatial)
    return 2 * product((output[axes.out_spec[0]],)) * positions * product(kernel)


def _jaxprs(value: Any) -> list[Jaxpr]:
    if isinstance(value, list | tuple):
        return [jaxpr for item in value for jaxpr in _jaxprs(item)]
    value = getattr(value, "jaxpr", value)  # A closed jaxpr also holds its constants.
    return [value] if hasattr(value, "eqns") else []
