"""The rules of an installation: the catalogue that came with this version, or the organisation's own."""

from __future__ import annotations

from pathlib import Path

from controls.catalog import HERE, installed, load_catalog
from controls.models import Catalog
from controls.profile import Profile
from controls.wording import worded
from flows.collectors.registry import Kinds, load_kinds
from flows.errors import SettingsError
from flows.settings import Located, load_settings


def catalog_of(located: Located, kinds: Kinds) -> Catalog:
    """Load what the settings name; raises SettingsError where that is no folder, CatalogError for its content."""
    return _with_wording(located, load_catalog(_folder(located), kinds=kinds))


def rules_to_read(config: Path) -> tuple[Catalog, Profile | None]:
    """The catalogue and the organisation's profile by the settings, where there are any; else what is installed."""
    if not config.exists():
        return installed(), None
    located = load_settings(config)
    kinds = load_kinds() if located.settings.catalogue is not None else None  # what came with this version is tested
    return _with_wording(located, load_catalog(_folder(located), kinds=kinds)), located.settings.profile


def folder_to_read(config: Path) -> tuple[Path, Path | None]:
    """The catalogue's folder by the settings, where there are any, and the file of the organisation's wording; else
    what is installed.
    """
    if not config.exists():
        return HERE, None
    located = load_settings(config)
    named = located.settings.wording
    return _folder(located), None if named is None else located.path(named)


def _with_wording(located: Located, catalog: Catalog) -> Catalog:
    named = located.settings.wording
    return catalog if named is None else worded(catalog, located.path(named))


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
