"""Load the catalogue, link it, refuse the unknown. A mistake names file and line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from controls.checks import CompiledCheck, undeclared_variables
from controls.documents import Document, load_yaml, validated
from controls.errors import CatalogError, RuleError, UnknownName
from controls.models import Catalog, Check, Control, EvidenceRequirement, Framework, FrameworkCatalog
from evidence_schema.models.base import Frozen
from evidence_schema.models.names import Mode

Item = TypeVar("Item")
HERE = Path(__file__).parent


class _FrameworkFile(Frozen):
    framework: Framework
    controls: tuple[Control, ...] = Field(min_length=1)


class _EvidenceFile(Frozen):
    requirements: tuple[EvidenceRequirement, ...] = Field(min_length=1)


class _FactsFile(Frozen):
    facts: dict[str, str]


@cache
def installed() -> Catalog:
    """The catalogue that came with this version."""
    return load_catalog(HERE)


def load_catalog(folder: Path, *, kinds: Collection[str] | None = None) -> Catalog:
    """Read `frameworks/*.yaml`, `evidence/*.yaml` and `facts.yaml` below a folder; raises CatalogError.

    Where `kinds` is given, a requirement or check that names another kind is refused too.
    """
    facts = validated(_FactsFile, load_yaml(folder / "facts.yaml")).facts
    frameworks = _frameworks(folder / "frameworks")
    requirements: dict[str, EvidenceRequirement] = {}
    for path in _yaml_files(folder / "evidence"):
        document = load_yaml(path)
        for index, requirement in enumerate(validated(_EvidenceFile, document).requirements):
            place = ("requirements", index)
            if requirement.id in requirements:
                raise document.error((*place, "id"), f"expected each requirement once, found {requirement.id} again")
            _refuse_unlinked(document, place, requirement, frameworks, facts, kinds)
            requirements[requirement.id] = requirement
    return Catalog(
        frameworks=tuple(frameworks.values()),
        requirements=tuple(requirements[id_] for id_ in sorted(requirements)),
        facts=facts,
    )


def framework_of(catalog: Catalog, id_: str) -> FrameworkCatalog:
    """The framework of that id; raises UnknownName with near matches."""
    return _named("framework", id_, {item.framework.id: item for item in catalog.frameworks})


def control_of(catalog: Catalog, id_: str) -> tuple[Framework, Control]:
    """The control of that id or alias, in whichever framework carries it; raises UnknownName."""
    all_ = [(item.framework, control) for item in catalog.frameworks for control in item.controls]
    by_alias = {alias: pair for pair in all_ for alias in pair[1].aliases}
    return _named("control", id_, by_alias | {pair[1].id: pair for pair in all_})


def requirement_of(catalog: Catalog, id_: str) -> EvidenceRequirement:
    """The evidence requirement of that id; raises UnknownName."""
    return _named("evidence requirement", id_, {item.id: item for item in catalog.requirements})


def near_matches(name: str, known: Iterable[str]) -> str:
    """A half sentence for messages: what may have been meant."""
    names = list(known)
    folded = {item.casefold(): item for item in names}
    close = [folded[item] for item in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    return f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(sorted(names)[:8])}"


def _named(what: str, name: str, known: Mapping[str, Item]) -> Item:
    if name not in known:
        raise UnknownName(f"expected a known {what}, found {name[:80]!r}; {near_matches(name, known)}")
    return known[name]


def _yaml_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise CatalogError(f"{folder}: expected at least one .yaml file, found none")
    return files


def _frameworks(folder: Path) -> dict[str, FrameworkCatalog]:
    found: dict[str, FrameworkCatalog] = {}
    seen: set[str] = set()
    for path in _yaml_files(folder):
        document = load_yaml(path)
        file = validated(_FrameworkFile, document)
        _refuse_repeated(document, file, seen)
        if file.framework.id in found:
            raise document.error(("framework", "id"), f"expected each framework once, found {file.framework.id} again")
        found[file.framework.id] = FrameworkCatalog(framework=file.framework, controls=file.controls)
    return found


def _refuse_repeated(document: Document, file: _FrameworkFile, seen: set[str]) -> None:
    """A control is asked for by its id or alias alone: each must be one control's, over all frameworks."""
    for index, control in enumerate(file.controls):
        for name in (control.id, *control.aliases):
            if name in seen:
                raise document.error(("controls", index, "id"), f"expected each control once, found {name} again")
            seen.add(name)
        for role in control.applies_to:
            if role not in file.framework.roles:
                hint = near_matches(role, file.framework.roles)
                raise document.error(
                    ("controls", index, "applies_to"), f"expected a role of the framework, found {role!r}; {hint}"
                )


def _refuse_unlinked(
    document: Document,
    place: tuple[str | int, ...],
    requirement: EvidenceRequirement,
    frameworks: Mapping[str, FrameworkCatalog],
    facts: Mapping[str, str],
    kinds: Collection[str] | None,
) -> None:
    for framework, mapping in requirement.mappings.items():
        if framework not in frameworks:
            raise document.error((*place, "mappings", framework), _unknown("framework", framework, frameworks))
        known = {control.id for control in frameworks[framework].controls}
        for control in mapping:
            if control not in known:
                raise document.error((*place, "mappings", framework, control), _unknown("control", control, known))
    for position, kind in enumerate(requirement.kinds):
        if kinds is not None and kind not in kinds:
            raise document.error((*place, "kinds", position), _unknown("kind", kind, kinds))
    seen: set[str] = set()
    for position, check in enumerate(requirement.checks):
        here = (*place, "checks", position)
        if check.id in seen or not check.id.startswith(f"{requirement.id}-C"):
            raise document.error(
                (*here, "id"), f"expected check ids {requirement.id}-C1, -C2, ... each once, found {check.id}"
            )
        seen.add(check.id)
        _refuse_wrong_check(document, here, check, requirement, facts, kinds)


def _refuse_wrong_check(
    document: Document,
    here: tuple[str | int, ...],
    check: Check,
    requirement: EvidenceRequirement,
    facts: Mapping[str, str],
    kinds: Collection[str] | None,
) -> None:
    if requirement.kinds and check.mode is Mode.AUTO and (not check.over or check.assert_ is None):
        raise document.error(here, f"{check.id}: expected `over` and `assert` for an automatic check of records")
    for fact in check.needs:
        if fact not in facts:
            raise document.error((*here, "needs"), _unknown("fact", fact, facts))
    named = [companion.kind for companion in check.with_.values()]
    named += [kind for kind in check.over if kind not in ("account", "region")]
    for kind in named:
        if kind not in requirement.kinds:
            raise document.error(
                here, f"{check.id} reads {kind}, which is not among the requirement's kinds; add it there"
            )
        if kinds is not None and kind not in kinds:
            raise document.error(here, _unknown("kind", kind, kinds))
    try:
        CompiledCheck(check)
        undeclared = undeclared_variables(check)
    except RuleError as error:
        raise document.error(here, str(error)) from error
    if undeclared:
        hint = "use record, account, region, id, params, facts, at, period, or a name under `with`"
        raise document.error(
            here, f"{check.id}: expected only declared variables, found {', '.join(undeclared)}; {hint}"
        )


def _unknown(what: str, name: str, known: Iterable[Any]) -> str:
    return f"expected a known {what}, found {name!r}; {near_matches(name, [str(item) for item in known])}"
