"""What a plugin may implement: the hooks, marked for pluggy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from zoo.registry.executor_specs import ExecutorSpec
    from zoo.registry.scoring_specs import LikelihoodSpec, Metric
    from zoo.registry.specs import Architecture, DatasetSpec

hookspec = pluggy.HookspecMarker("zoo")
hookimpl = pluggy.HookimplMarker("zoo")


@hookspec
def zoo_architectures() -> Iterable[Architecture]:
    """Return the architectures of this plugin.

    Called once, when names are first looked up, so the module that contains it must not import Keras: name the
    builders as ``"module:function"`` and they are imported when a model is built.

    Example:
        ```python
        from zoo import Architecture, hookimpl

        @hookimpl
        def zoo_architectures():
            yield Architecture(
                name="my_cnn",
                summary="One convolution, mirrored",
                encoder=f"{__name__}.model:build_encoder",
                decoder=f"{__name__}.model:build_decoder",
                defaults={"latent_dim": 16},
            )
        ```

    Returns:
        An iterable of ``zoo.Architecture``.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def zoo_datasets() -> Iterable[DatasetSpec]:
    """Return the datasets of this plugin.

    Called once, when names are first looked up; ``load`` is imported when the data is loaded.

    Example:
        ```python
        from zoo import DatasetSpec, hookimpl

        @hookimpl
        def zoo_datasets():
            yield DatasetSpec(
                name="my_digits",
                summary="My own digits",
                image_shape=(28, 28, 1),
                classes=tuple("0123456789"),
                load=f"{__name__}.data:load",
                recipe={"likelihood": "discretized_logistic", "epochs": 10},
            )
        ```

    Returns:
        An iterable of ``zoo.DatasetSpec``.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def zoo_likelihoods() -> Iterable[LikelihoodSpec]:
    """Return the likelihoods of this plugin.

    Called once, when names are first looked up; the class is imported when a model is built or loaded.

    Example:
        ```python
        from zoo import LikelihoodSpec, hookimpl

        @hookimpl
        def zoo_likelihoods():
            yield LikelihoodSpec("laplace", "A Laplace density of each value", f"{__name__}.laplace:Laplace")
        ```

    Returns:
        An iterable of ``zoo.LikelihoodSpec``.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def zoo_metrics() -> Iterable[Metric]:
    """Return the scores that this plugin adds to every result of ``zoo.evaluate``.

    Called once, when names are first looked up; the function is imported when a model is evaluated.

    Example:
        ```python
        from zoo import Metric, hookimpl

        @hookimpl
        def zoo_metrics():
            yield Metric("mae", "mean absolute error", f"{__name__}.scores:mae", digits=4, lower_is_better=True)
        ```

    Returns:
        An iterable of ``zoo.Metric``.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def zoo_executors() -> Iterable[ExecutorSpec]:
    """Return the executors of this plugin, which ``zoo benchmark --executor NAME`` takes.

    Called once, when names are first looked up; the function is imported when a benchmark begins.

    Example:
        ```python
        from zoo import ExecutorSpec, hookimpl

        @hookimpl
        def zoo_executors():
            yield ExecutorSpec("my_queue", "The queue of our cluster", f"{__name__}.queue:make")
        ```

    Returns:
        An iterable of ``zoo.ExecutorSpec``.
    """
    raise AssertionError("a hook specification is never called")
