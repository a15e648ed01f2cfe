"""Open a run in the log before the first API call, or join the open run of the slot with its sealed plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeVar

from pydantic import ValidationError

from controls.models import Catalog
from evidence_schema.digest import Digest
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.base import Frozen
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.entry import RunOpen, Statement, Subject
from evidence_schema.models.names import Trigger
from evidence_schema.models.unit import Period, Plan, PlannedUnit, Selection
from flows.collectors.registry import Kinds
from flows.errors import SealedDiffers
from flows.planning import PlannedRun, make_plan, unit_lines
from flows.settings import Settings
from flows.steps.periods import new_run_id
from flows.steps.runtime import Runtime, requester_of
from flows.steps.sealable import refuse_secrets
from flows.vault.locks import Lock
from flows.vault.log import NextEntry
from flows.vault.runs import RunState
from flows.vault.vault import Vault

JSON_MEDIA_TYPE = "application/json"
LINES_MEDIA_TYPE = "application/jsonl"
LARGEST_SEALED = 64 * 1024 * 1024

Model = TypeVar("Model", bound=Frozen)


@dataclass(frozen=True)
class RunRequest:
    """What somebody, or the schedule, asked for."""

    slot: str
    trigger: Trigger
    selection: Selection
    period: Period
    case: str | None = None
    again: bool = False
    """Open a further run of a slot that was closed."""


@dataclass(frozen=True)
class Run:
    """A run with everything that was sealed at its opening: a resumed run uses these, never what is installed."""

    state: RunState
    plan: Plan
    units: tuple[PlannedUnit, ...]
    catalog: Catalog
    settings: Settings
    joined: bool

    @property
    def run_id(self) -> str:
        return self.state.run_id

    @cached_property
    def declarations(self) -> Mapping[str, KindDeclaration]:
        return {item.kind: item for item in self.catalog.declarations}

    @cached_property
    def kinds(self) -> Kinds:
        return Kinds(self.catalog.declarations)

    @cached_property
    def personal(self) -> bool:
        """Whether any kind of the run holds personal data."""
        return any(self.declarations[unit.unit.kind].personal for unit in self.units)

    def lock(self, vault: Vault) -> Lock:
        """The lock of what this run writes now."""
        return vault.lock(personal=self.personal)


def open_run(runtime: Runtime, request: RunRequest) -> Run:
    """Seal catalogue, plan and settings, then write run-open; joins where the slot has a run, which may be closed."""
    vault = runtime.vault
    standing = vault.runs.run_of(request.slot, again=request.again)
    if standing is not None:
        vault.repair()
        return load_run(vault, standing, joined=True)
    refuse_secrets(runtime.settings.to_json(), "settings")
    refuse_secrets(request.case or "", "the case")
    if runtime.settings.catalogue is not None:
        refuse_secrets(runtime.catalog.to_json(), f"the catalogue {runtime.settings.catalogue}")
    planned = make_plan(runtime.catalog, runtime.kinds, runtime.settings, request.selection, request.period)
    sealed = _sealed_catalog(runtime.catalog, runtime.kinds, planned)
    lock = vault.lock(personal=any(runtime.kinds[unit.unit.kind].personal for unit in planned.units))
    at = runtime.clock().astimezone(UTC)
    make = _opening(runtime, request, planned, sealed, lock, at)
    started = vault.runs.open_or_join(request.slot, make, again=request.again)
    return load_run(vault, started.run, joined=started.joined)


def load_run(vault: Vault, state: RunState, *, joined: bool = False) -> Run:
    """A run of the log, from its sealed blobs; raises SealedDiffers where they are not what the log names."""
    opened = state.open
    plan = read_sealed(vault, Plan, opened.plan)
    return Run(
        state=state,
        plan=plan,
        units=tuple(_planned_unit(line) for line in vault.blobs.lines(plan.units.digest)),
        catalog=read_sealed(vault, Catalog, opened.catalogue),
        settings=read_sealed(vault, Settings, opened.settings),
        joined=joined,
    )


def read_sealed(vault: Vault, model: type[Model], digest: Digest) -> Model:
    """A sealed value."""
    try:
        return model.from_canonical(vault.blobs.read(digest, limit=LARGEST_SEALED))
    except (EvidenceSchemaError, ValidationError) as error:
        raise SealedDiffers(
            f"expected {model.__name__} in blob {digest}, found: {error}; run `evidence verify`, or use the version "
            "of evidence-collector that wrote it"
        ) from error


def _planned_unit(line: bytes) -> PlannedUnit:
    try:
        return PlannedUnit.from_canonical(line)
    except (EvidenceSchemaError, ValidationError) as error:
        raise SealedDiffers(f"expected a planned unit, found: {error}; run `evidence verify`") from error


def _sealed_catalog(catalog: Catalog, kinds: Kinds, planned: PlannedRun) -> Catalog:
    """The catalogue with the declarations of all kinds that the run gathers or reads."""
    gathered = {unit.unit.kind for unit in planned.units}
    read = {kind for item in planned.requirements for kind in item.kinds if kinds[kind].view_of in gathered}
    return catalog.model_copy(update={"declarations": tuple(kinds[kind] for kind in sorted(gathered | read))})


def _opening(
    runtime: Runtime, request: RunRequest, planned: PlannedRun, sealed: Catalog, lock: Lock, at: datetime
) -> _Opening:
    blobs = runtime.vault.blobs

    def keep(value: Frozen) -> Digest:
        return blobs.put_bytes(value.canonical(), media_type=JSON_MEDIA_TYPE, lock=lock).digest

    blobs.put_pieces(unit_lines(planned.units), media_type=LINES_MEDIA_TYPE, lock=lock)
    return _Opening(
        request=request,
        run_id=new_run_id(at),
        requester=requester_of(runtime.located),
        at=at,
        catalogue=keep(sealed),
        plan=keep(planned.plan),
        settings=keep(runtime.settings),
        units=planned.plan,
        simulated=runtime.settings.simulated,
        last_token=runtime.vault.stamps.newest,
    )


@dataclass(frozen=True)
class _Opening:
    """Makes the run-open entry for whichever number the log gives it."""

    request: RunRequest
    run_id: str
    requester: str
    at: datetime
    catalogue: Digest
    plan: Digest
    settings: Digest
    units: Plan
    simulated: bool
    last_token: Callable[[int], Digest | None]

    def __call__(self, following: NextEntry) -> Statement:
        predicate = RunOpen(
            **following.common(self.run_id, self.request.slot),
            trigger=self.request.trigger,
            requester=self.requester,
            case=self.request.case,
            at=self.at,
            period=self.request.period,
            catalogue=self.catalogue,
            plan=self.plan,
            settings=self.settings,
            expected=self.units.units.rows,
            expected_digest=self.units.units.digest,
            last_token=self.last_token(following.seq),
            simulated=self.simulated,
        )
        return Statement(subject=(Subject.of("plan.json", self.plan),), predicate=predicate)
