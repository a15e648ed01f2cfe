"""Official or licensed wording that an organisation may show beside ours: a YAML file, control id -> text."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, RootModel

from controls.documents import load_yaml, validated
from controls.models import Catalog
from controls.spelling import unknown

MOST_TEXT = 20_000


class _WordingFile(RootModel[dict[str, str]]):
    root: dict[str, str] = Field(min_length=1)


def worded(catalog: Catalog, path: Path) -> Catalog:
    """The catalogue with the file's wording; raises CatalogError, with the line, for an id that no framework has."""
    document = load_yaml(path)
    found = validated(_WordingFile, document).root
    known = {control.id for item in catalog.frameworks for control in item.controls}
    for name, text in found.items():
        if name not in known:
            raise document.error((name,), unknown("control", name, known))
        if len(text) > MOST_TEXT:
            raise document.error((name,), f"expected at most {MOST_TEXT} characters, found {len(text)}")
    return catalog.model_copy(update={"wording": {name: found[name] for name in sorted(found)}})
