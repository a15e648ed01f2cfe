"""What a package holds, and for whom: the scope that was asked for, resolved before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controls.catalog import framework_of
from controls.models import Catalog
from evidence_schema.models.receipt import Receipt
from flows.errors import RunNotFound, UsageError
from flows.report.errors import NotDisclosed
from flows.report.words import period_label
from flows.settings import Recipient
from flows.steps.opening import Run, load_run
from flows.steps.runtime import Runtime
from flows.vault.runs import RunState


@dataclass(frozen=True)
class PackageRequest:
    """What somebody asks to be packed; empty means all. `runs` are ids or slots."""

    frameworks: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    unmasked: bool = False
    reason: str = ""
    recipient: str | None = None


@dataclass(frozen=True)
class Chosen:
    """The resolved scope, before anything is read."""

    runs: tuple[Run, ...]
    others: tuple[RunState, ...]
    frameworks: tuple[str, ...]
    requirements: frozenset[str]
    accounts: frozenset[str]
    personal: frozenset[str]
    recipient: Recipient | None

    def is_narrowed(self, run: Run, *, framework: str | None = None) -> bool:
        """Whether the scope leaves out accounts or requirements of the run (or of one framework of it)."""
        planned = set(run.plan.requirements)
        if framework is not None:
            planned &= _serving(run.catalog, (framework,))
        return not (planned <= self.requirements and set(run.plan.accounts) <= self.accounts)

    def takes(self, receipt: Receipt) -> list[str]:
        """The requirements of the scope that a row serves."""
        if receipt.unit.account not in self.accounts:
            return []
        return sorted(self.requirements.intersection(receipt.requirements))


def choose(runtime: Runtime, request: PackageRequest) -> Chosen:
    states = runtime.vault.runs.runs()
    picked = [state for state in states if _is_asked(state, request)]
    closed = [state for state in picked if state.close is not None]
    for name in request.runs:
        if not any(name in (state.run_id, state.slot) for state in closed):
            raise RunNotFound(f"expected a closed run {name}, found none; `evidence status` lists the runs")
    if not request.runs and request.since is None and request.until is None:
        closed = [state for state in closed if state.judged is not None][-1:]
    if not closed:
        raise RunNotFound("expected a closed run in the scope, found none; `evidence status` lists the runs")
    runs = tuple(load_run(runtime.vault, state) for state in closed)
    frameworks = request.frameworks or tuple(sorted({name for run in runs for name in run.plan.frameworks}))
    for name in frameworks:
        framework_of(runtime.catalog, name)
    planned = {name for run in runs for name in run.plan.requirements}
    accounts = {name for run in runs for name in run.plan.accounts}
    _refuse_unknown("requirement", request.requirements, planned)
    _refuse_unknown("account", request.accounts, accounts)
    served = frozenset().union(*(_serving(run.catalog, frameworks) for run in runs))
    requirements = served & planned & (set(request.requirements) or planned)
    if not requirements:
        raise UsageError("expected a scope that holds a requirement, found none; widen --framework or --requirement")
    chosen = Chosen(
        runs=runs,
        others=tuple(state for state in states if state.run_id not in {run.run_id for run in runs}),
        frameworks=tuple(frameworks),
        requirements=frozenset(requirements),
        accounts=frozenset(set(request.accounts) or accounts),
        personal=frozenset().union(*(run.personal_kinds for run in runs)),
        recipient=None,
    )
    return replace(chosen, recipient=_recipient(runtime, request, chosen)) if request.unmasked else chosen


def _is_asked(state: RunState, request: PackageRequest) -> bool:
    if request.runs and not {state.run_id, state.slot}.intersection(request.runs):
        return False
    period = state.open.period
    return not (
        (request.since is not None and period.end <= request.since)
        or (request.until is not None and period.start >= request.until)
    )


def _refuse_unknown(what: str, wanted: Sequence[str], known: Iterable[str]) -> None:
    known = sorted(known)
    for name in wanted:
        if name not in known:
            raise UsageError(f"expected a {what} of these runs, found {name}; they have {', '.join(known[:12])}")


def _serving(catalog: Catalog, frameworks: Iterable[str]) -> frozenset[str]:
    wanted = set(frameworks)
    return frozenset(item.id for item in catalog.requirements if wanted.intersection(item.mappings))


def _recipient(runtime: Runtime, request: PackageRequest, chosen: Chosen) -> Recipient:
    """Who is given unmasked evidence: named, bound, and for a reason."""
    if not request.reason.strip():
        raise NotDisclosed("expected --reason with --unmasked: why must this recipient see personal data?")
    known = {item.id: item for item in runtime.settings.recipients}
    recipient = known.get(request.recipient or "")
    if recipient is None:
        raise NotDisclosed(
            f"expected --recipient to name one of the settings' recipients, found {request.recipient or 'none'}; "
            f"they are {', '.join(sorted(known)) or 'none'}"
        )
    now = runtime.clock()
    bound = {agreement.kind for agreement in recipient.agreements if agreement.is_in_force(now)}
    has_phi = any(
        item.sensitivity.phi
        for run in chosen.runs
        for item in run.catalog.requirements
        if item.id in chosen.requirements
    )
    if has_phi and "business_associate" not in bound:
        raise NotDisclosed(
            f"expected a business associate agreement in force with {recipient.id}, for the scope can hold PHI; found "
            f"{', '.join(sorted(bound)) or 'none'}; record it under recipients, or narrow --requirement"
        )
    if not bound:
        raise NotDisclosed(
            f"expected processor or confidentiality terms in force with {recipient.id}, found none; record them under "
            "recipients"
        )
    return recipient


def package_stem(runtime: Runtime, chosen: Chosen) -> str:
    """What a package is called: framework, log, period, newest run; never a person's name."""
    newest = chosen.runs[-1]
    simulated = ["SIMULATED"] if runtime.settings.simulated else []
    named = "-".join(name.upper() for name in chosen.frameworks)
    return "_".join([*simulated, named, runtime.settings.log, period_label(newest.state.open.period), newest.run_id])
