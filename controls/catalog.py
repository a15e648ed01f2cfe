"""Load the catalogue and look things up in it. A mistake names file and line, an unknown name what was meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

from controls.errors import CatalogError, UnknownName
from controls.models import Catalog, Control, EvidenceRequirement, Framework, FrameworkCatalog
from controls.reading import read_catalog
from controls.spelling import unknown

Item = TypeVar("Item")
HERE = Path(__file__).parent


@cache
def installed() -> Catalog:
    """The catalogue that came with this version."""
    return load_catalog(HERE)


def load_catalog(folder: Path, *, kinds: Collection[str] | None = None) -> Catalog:
    """Read `frameworks/*.yaml`, `evidence/*.yaml` and `facts.yaml` below a folder; raises CatalogError, which names
    every mistake.

    Where `kinds` is given, a requirement or check that names another kind is refused too.
    """
    reading = read_catalog(folder, kinds=kinds)
    if reading.mistakes:
        raise CatalogError(*reading.mistakes)
    return reading.catalog


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


def _named(what: str, name: str, known: Mapping[str, Item]) -> Item:
    if name not in known:
        raise UnknownName(unknown(what, name, known))
    return known[name]
