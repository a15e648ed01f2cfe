"""Gather a few kinds of the whole plan again, under a fault: everything else is taken from the undisturbed month.

A run joins what has receipts, as one that resumes does; so a fault on one action costs the calls of its kinds only.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from unittest import mock

from worlds import TASKS_AT_A_TIME, Gathered, Organisation

from controls.models import Catalog
from evidence_schema.models.names import Trigger
from evidence_schema.models.receipt import Receipt, StoredBlob
from evidence_schema.models.unit import PlannedUnit, Selection
from flows.collectors.registry import Kinds
from flows.observing import Silent
from flows.planning import PREFLIGHT_KIND
from flows.steps.closing import close_run
from flows.steps.gathering import Gathering
from flows.steps.judging import judge_run
from flows.steps.opening import Run, RunRequest, open_run
from flows.steps.periods import adhoc_slot, month_before, month_period
from flows.steps.runtime import Runtime, open_runtime
from flows.steps.sources import collector_for


@dataclass(frozen=True)
class WholePlan:
    """An organisation whose month was gathered and judged with nothing wrong."""

    place: Organisation
    runtime: Runtime

    @classmethod
    def of(cls, place: Organisation) -> WholePlan:
        with mock.patch.dict(os.environ, place.environment, clear=True):
            return cls(place, open_runtime(place.settings_file))

    @property
    def catalog(self) -> Catalog:
        return self.runtime.catalog

    @property
    def kinds(self) -> Kinds:
        return self.runtime.kinds

    @cached_property
    def undisturbed(self) -> Gathered:
        return self.gathered()

    def gathered(self) -> Gathered:
        """The whole month, as it is answered now."""
        with mock.patch.dict(os.environ, self.place.environment, clear=True):
            return self._finished(self._opened(Selection()))

    def again(self, kinds: Collection[str], requirements: tuple[str, ...]) -> Gathered:
        """The month of some requirements; these kinds, and what builds on them, are asked anew."""
        built_on = {kind for kind in self.kinds if set(kinds) & set(self.kinds.sources_of(kind))}
        with mock.patch.dict(os.environ, self.place.environment, clear=True):
            run = self._opened(Selection(requirements=requirements))
            for planned in run.units:
                if planned.unit.kind not in {*kinds, *built_on}:
                    mine = self._taken_over(self.undisturbed.receipts[planned.unit], planned, run)
                    self.runtime.vault.receipts.write(mine, run.lock(self.runtime.vault))
            return self._finished(replace(run, joined=True))

    def _taken_over(self, row: Receipt, planned: PlannedUnit, run: Run) -> Receipt:
        """The undisturbed receipt as one of this run; what is encrypted is bound to its run, and so encrypted anew."""
        artifacts, part = self.runtime.vault.artifacts, planned.unit.digest.hex
        lock = run.artifact_lock(self.runtime.vault, planned.requirements)

        def anew(blob: StoredBlob) -> StoredBlob:
            if blob.encryption is None:
                return blob
            pieces, context = artifacts.stream(blob, row.run_id, part), artifacts.context(run.run_id, part)
            kept = artifacts.put(pieces, media_type=blob.media_type, lock=lock, context=context)
            return blob.model_copy(
                update={
                    "digest": kept.digest,
                    "size": kept.size,
                    "custody": kept.custody,
                    "encryption": kept.encryption,
                }
            )

        blobs = tuple(anew(blob) for blob in row.blobs)
        return row.model_copy(update={"run_id": run.run_id, "requirements": planned.requirements, "blobs": blobs})

    def requirements_reading(self, kinds: Collection[str]) -> tuple[str, ...]:
        """Those that need one of these kinds, directly or through a view or a kind that builds on it."""
        wanted = set(kinds)
        found = tuple(
            item.id
            for item in self.catalog.requirements
            if any(wanted & {name, *self.kinds.sources_of(name)} for name in item.kinds)
        )
        return found or ("EV-ENC-01",)  # the preflight serves all: one will do

    def of_requirements(self, requirements: tuple[str, ...]) -> Gathered:
        """The undisturbed month as these requirements saw it."""
        narrow = copy.copy(self.undisturbed)
        outcomes = [item for item in narrow.outcomes.requirements if item.requirement in requirements]
        narrow.outcomes = narrow.outcomes.model_copy(update={"requirements": tuple(outcomes)})
        narrow.findings = tuple(item for item in narrow.findings if item.requirement in requirements)
        return narrow

    @cached_property
    def gathered_kinds(self) -> frozenset[str]:
        """Every kind of the plan that makes calls, the preflight among them."""
        read = {step for item in self.catalog.requirements for kind in item.kinds for step in self._steps(kind)}
        return frozenset(kind for kind in {*read, PREFLIGHT_KIND} if self.kinds[kind].view_of is None)

    def _steps(self, kind: str) -> tuple[str, ...]:
        return (kind, *self.kinds.sources_of(kind))

    def _opened(self, selection: Selection) -> Run:
        period = month_period(month_before(self.runtime.clock()))
        return open_run(self.runtime, RunRequest(adhoc_slot(), Trigger.AD_HOC, selection, period))

    def _finished(self, run: Run) -> Gathered:
        runtime = self.runtime
        gathering = Gathering(run, runtime.vault, collector_for(run, runtime.clock), runtime.clock, Silent())
        with ThreadPoolExecutor(TASKS_AT_A_TIME) as pool:
            for keys in (gathering.preflights, gathering.others):
                list(pool.map(lambda key: gathering.gather(key.service, key.account, key.region), keys))
        state = judge_run(runtime.vault, close_run(run, runtime.vault, gathering.receipts(), runtime.clock))
        return Gathered(runtime.vault, state)
