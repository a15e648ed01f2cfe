"""Frameworks, scope and kinds become a plan. No effects: tested without AWS, printed by `evidence plan`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from controls.catalog import control_of, framework_of, requirement_of
from controls.models import Catalog, EvidenceRequirement
from controls.profile import exclusion
from controls.spelling import near_matches
from evidence_schema.digest import DigestStream
from evidence_schema.models.names import GLOBAL_REGION
from evidence_schema.models.unit import Listing, NotAsked, Period, Plan, PlannedUnit, Selection, Unit
from flows.collectors.registry import Kinds
from flows.errors import NothingPlanned, UsageError
from flows.settings import Settings

PREFLIGHT_KIND = "aws.ec2.regions"
"""Which regions an account has enabled: asked first, so that a disabled one is told apart from a failure."""


@dataclass(frozen=True)
class PlannedRun:
    """A plan with what it was made from at hand."""

    plan: Plan
    units: tuple[PlannedUnit, ...]
    requirements: tuple[EvidenceRequirement, ...]
    awaiting: tuple[EvidenceRequirement, ...]
    """Requirements of the selection that no connector gathers: a person supplies them."""

    @property
    def task_keys(self) -> list[tuple[str, str, str]]:
        """(service, account, region) of each task, in order."""
        return sorted({(unit.service, unit.unit.account, unit.unit.region) for unit in self.units})


def make_plan(catalog: Catalog, kinds: Kinds, settings: Settings, selection: Selection, period: Period) -> PlannedRun:
    """The plan of a run; raises UnknownName or UsageError with near matches, NothingPlanned where nothing is left."""
    _refuse_unknown_settings(catalog, settings)
    _refuse_unknown_consent(kinds, settings)
    chosen = selected_requirements(catalog, settings, selection, kinds)
    automated = tuple(item for item in chosen if item.kinds)
    awaiting = tuple(item for item in chosen if not item.kinds)
    accounts = _narrowed("account", [account.id for account in settings.accounts], selection.accounts)
    regions = _narrowed("region", list(settings.regions), selection.regions)
    not_asked = _not_asked(automated, kinds, settings, selection)
    if selection.kinds:
        _refuse_without_consent(not_asked)
    wanted = _kinds_wanted(automated, kinds, selection, {item.kind for item in not_asked})
    if not wanted:
        raise NothingPlanned(
            f"expected a selection of which some connector gathers a part, found {_named(awaiting)}; "
            "`evidence controls show` says what each control needs"
        )
    units = tuple(_units(wanted, kinds, automated, accounts, regions))
    plan = Plan(
        selection=selection,
        frameworks=tuple(dict.fromkeys(selection.frameworks or settings.frameworks)),
        requirements=tuple(item.id for item in automated),
        awaiting=tuple(item.id for item in awaiting),
        not_asked=not_asked,
        accounts=tuple(accounts),
        regions=tuple(regions),
        period=period,
        actions=tuple(sorted({action for kind in wanted for action in kinds[kind].actions})),
        units=_listing(units),
    )
    return PlannedRun(plan=plan, units=units, requirements=automated, awaiting=awaiting)


def selected_requirements(
    catalog: Catalog, settings: Settings, selection: Selection, kinds: Kinds
) -> tuple[EvidenceRequirement, ...]:
    """The requirements that a selection names: all of its frameworks, narrowed by control, requirement or kind."""
    frameworks = selection.frameworks or settings.frameworks
    for framework in frameworks:
        framework_of(catalog, framework)
    for kind in selection.kinds:
        if kind not in kinds:
            raise UsageError(f"expected a known kind, found {kind!r}; {near_matches(kind, kinds)}")
    controls = {control_of(catalog, name)[1].id for name in selection.controls}
    named = {requirement_of(catalog, name).id for name in selection.requirements}
    binding = {framework: _binding(catalog, settings, framework) for framework in frameworks}
    return tuple(
        item
        for item in catalog.requirements
        if any(binding[framework] & item.mappings.get(framework, {}).keys() for framework in frameworks)
        and (not controls or any(controls & item.mappings.get(framework, {}).keys() for framework in frameworks))
        and (not named or item.id in named)
        and (not selection.kinds or set(selection.kinds) & set(item.kinds))
    )


def _binding(catalog: Catalog, settings: Settings, framework: str) -> set[str]:
    """The controls of a framework that bind the organisation."""
    controls = framework_of(catalog, framework).controls
    return {item.id for item in controls if not exclusion(settings.profile, framework, item)}


def _named(awaiting: Iterable[EvidenceRequirement]) -> str:
    names = ", ".join(item.id for item in awaiting)
    return f"only what a person supplies: {names}" if names else "no requirement at all"


def unit_lines(units: Iterable[PlannedUnit]) -> Iterator[bytes]:
    """The expected list as JSON Lines: what the run promises to gather."""
    for unit in units:
        yield unit.canonical() + b"\n"


def _refuse_unknown_settings(catalog: Catalog, settings: Settings) -> None:
    """A misspelt parameter would leave the default in force without a word."""
    checks = [check for item in catalog.requirements for check in item.checks]
    parameters = {f"{check.id}.{name}" for check in checks for name in check.params}
    for what, found, known in (
        ("parameter", settings.parameters, parameters),
        ("fact", settings.facts, catalog.facts),
    ):
        for name in found:
            if name not in known:
                raise UsageError(
                    f"expected a known {what} in the settings, found {name!r}; {near_matches(name, known)}"
                )


def _refuse_unknown_consent(kinds: Kinds, settings: Settings) -> None:
    """A consent that names no kind that needs one would leave somebody believing that it is gathered."""
    needing = sorted(kind for kind in kinds if kinds[kind].opt_in is not None)
    for name in settings.opt_in:
        if name not in kinds:
            raise UsageError(f"expected a known kind under `opt_in` of the settings, found {name!r}; opt-in are: "
                             f"{', '.join(needing)}")  # fmt: skip
        if name not in needing:
            base = ", ".join(kinds.consent_of(name))
            hint = f"it is read from {base}: name that" if base else "it is gathered without; take the line away"
            raise UsageError(f"expected an opt-in kind under `opt_in` of the settings, found {name!r}; {hint}")


def _not_asked(
    automated: Iterable[EvidenceRequirement], kinds: Kinds, settings: Settings, selection: Selection
) -> tuple[NotAsked, ...]:
    """The kinds of the selection that bill or write, or are read from such a kind, and that nobody opted in to."""
    serves: dict[str, list[str]] = {}
    for item in automated:
        for kind in item.kinds:
            if not selection.kinds or kind in selection.kinds:
                serves.setdefault(kind, []).append(item.id)
    missing = {kind: [base for base in kinds.consent_of(kind) if base not in settings.opt_in] for kind in serves}
    return tuple(
        NotAsked(kind=kind, reason=kinds[missing[kind][0]].opt_in or "", requirements=tuple(sorted(serves[kind])))
        for kind in sorted(serves)
        if missing[kind]
    )


def _refuse_without_consent(not_asked: Iterable[NotAsked]) -> None:
    """Of kinds that were asked for by name; elsewhere the plan says what it leaves out."""
    for item in not_asked:
        raise UsageError(
            f"expected a kind that may be gathered, found {item.kind}, which {item.reason}; opt in under `opt_in` of "
            "the settings (docs/opt-in.md)"
        )


def _kinds_wanted(
    automated: Iterable[EvidenceRequirement], kinds: Kinds, selection: Selection, left_out: Set[str]
) -> list[str]:
    named = {kind for item in automated for kind in item.kinds} - left_out
    if selection.kinds:
        named &= set(selection.kinds)
    closed = {source for kind in named for source in (kind, *kinds.sources_of(kind))}
    gathered = {kind for kind in closed if kinds[kind].view_of is None}
    return sorted(gathered | {PREFLIGHT_KIND}) if gathered else []


def _units(
    wanted: Iterable[str],
    kinds: Kinds,
    automated: Iterable[EvidenceRequirement],
    accounts: Iterable[str],
    regions: Iterable[str],
) -> Iterator[PlannedUnit]:
    serves = {kind: _served_by(kind, kinds, automated) for kind in wanted}
    for account in sorted(accounts):
        for region in sorted({*regions, GLOBAL_REGION}):
            for kind in wanted:
                if (region == GLOBAL_REGION) == (kinds[kind].scope == "account"):
                    yield PlannedUnit(
                        unit=Unit(kind=kind, account=account, region=region),
                        service=kinds[kind].service,
                        requirements=serves[kind],
                    )


def _served_by(kind: str, kinds: Kinds, automated: Iterable[EvidenceRequirement]) -> tuple[str, ...]:
    """The requirements that read a kind, directly, through a view or through a kind that builds on it."""
    return tuple(
        item.id
        for item in automated
        if kind == PREFLIGHT_KIND or any(kind == named or kind in kinds.sources_of(named) for named in item.kinds)
    )


def _narrowed(what: str, known: list[str], wanted: Iterable[str]) -> list[str]:
    for name in wanted:
        if name not in known:
            raise UsageError(f"expected a known {what} of the settings, found {name!r}; {near_matches(name, known)}")
    return sorted(set(wanted)) or sorted(known)


def _listing(units: Iterable[PlannedUnit]) -> Listing:
    stream, rows = DigestStream(), 0
    for line in unit_lines(units):
        stream.update(line)
        rows += 1
    return Listing(digest=stream.finish(), size=stream.size, rows=rows)
