"""The zoo's own executors, as a plugin: their names, and where their code is. Without Keras."""

from collections.abc import Iterator

from zoo.registry.executor_specs import ExecutorSpec
from zoo.registry.hookspecs import hookimpl


@hookimpl
def zoo_executors() -> Iterator[ExecutorSpec]:
    """Return ``local``, ``ray`` and ``slurm``."""
    yield ExecutorSpec("local", "Processes on this machine", "zoo.benchmarking.executor:make_local")
    yield ExecutorSpec("ray", "A Ray cluster, or this machine as one", f"{__name__}.on_ray:make")
    yield ExecutorSpec("slurm", "A Slurm cluster, through submitit", f"{__name__}.on_slurm:make")
