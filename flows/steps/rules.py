"""The rules of an installation: the catalogue that came with this version, or the organisation's own."""

from __future__ import annotations

from pathlib import Path

from controls.catalog import HERE, load_catalog
from controls.models import Catalog
from flows.collectors.registry import Kinds
from flows.errors import SettingsError
from flows.settings import Located


def catalog_of(located: Located, kinds: Kinds) -> Catalog:
    """Load what the settings name; raises SettingsError where that is no folder, CatalogError for its content."""
    return load_catalog(_folder(located), kinds=kinds)


def _folder(located: Located) -> Path:
    named = located.settings.catalogue
    if named is None:
        return HERE
    folder = located.path(named)
    if not (folder / "facts.yaml").is_file():
        raise SettingsError(
            f"expected a catalogue (frameworks/, evidence/, facts.yaml) at {folder}, which `catalogue` of the settings "
            "names, found none; take the line away to use the catalogue that came with this version"
        )
    return folder
