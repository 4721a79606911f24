"""A check that finished runs are from the current code, without building a model for each."""

from __future__ import annotations

import json

from zoo.errors import ArchitectureError
from zoo.factory.assemble import parameter_count
from zoo.factory.create import create_from_preset
from zoo.json_fields import to_json
from zoo.registry.presets import Preset
from zoo.runs.record import RunConfig, RunRecord
from zoo.training.plan import describe_plan
from zoo.training.plugin_sources import digest_sources
from zoo.version import __version__


class CodeCheck:
    """A comparison of finished runs with the current code; make a new one for each benchmark, since code may change.

    Versions and the digest of the plugin's code must be the same. If a run or an architecture has no digest, the
    numbers of parameters are compared; for that a model is built, once for all runs that share it.
    """

    def __init__(self) -> None:
        self._digests: dict[tuple[str, str], str | None] = {}
        self._parameters: dict[str, int | None] = {}

    def is_current(self, record: RunRecord, plan: Preset) -> bool:
        """Return whether a finished run is what its plan would produce.

        Args:
            record: the record of the run.
            plan: the plan of the run.
        """
        plugin, trained = plan.architecture.plugin, record.provenance.plugin
        here = (__version__, None if plugin is None else plugin.version)
        if here != (record.provenance.zoo, None if trained is None else trained.version):
            return False
        digest, recorded = self._digest(plan), record.provenance.plugin_sources
        if digest is not None and recorded is not None:
            return digest == recorded
        return record.cost.parameters == self._count(plan, describe_plan(plan, record.config.seed))

    def _digest(self, plan: Preset) -> str | None:
        key = plan.architecture.name, plan.recipe.likelihood
        if key not in self._digests:
            self._digests[key] = digest_sources(plan.architecture, plan.recipe.likelihood)
        return self._digests[key]

    def _count(self, plan: Preset, config: RunConfig) -> int | None:
        """Return the number of parameters; None if the model cannot be built."""
        same = {name: value for name, value in to_json(config).items() if name not in ("preset", "seed", "recipe")}
        key = json.dumps([same, config.recipe["likelihood"]], sort_keys=True)
        if key not in self._parameters:
            try:
                self._parameters[key] = parameter_count(create_from_preset(plan, config.seed))
            except ArchitectureError:
                self._parameters[key] = None
        return self._parameters[key]
