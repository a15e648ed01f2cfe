"""How much of a framework this installation evidences: counted from the one mapping, never kept beside it."""

from __future__ import annotations

from controls.models import Catalog, FrameworkCatalog
from evidence_schema.models.base import Frozen, NonNegative
from evidence_schema.models.names import Directness, FrameworkId


class Coverage(Frozen):
    """Controls of a framework by the strongest evidence that a connector of this installation collects for them."""

    framework: FrameworkId
    controls: NonNegative
    direct: NonNegative
    supporting: NonNegative
    unmapped: NonNegative


def coverage_of(catalog: Catalog, item: FrameworkCatalog) -> Coverage:
    """Count each control once: direct before supporting before none."""
    framework = item.framework.id
    pairs = [
        pair for requirement in catalog.requirements if requirement.kinds
        for pair in requirement.mappings.get(framework, {}).items()
    ]  # fmt: skip
    direct = {control for control, how in pairs if how is Directness.DIRECT}
    supporting = {control for control, _ in pairs} - direct
    return Coverage(
        framework=framework,
        controls=len(item.controls),
        direct=len(direct),
        supporting=len(supporting),
        unmapped=len(item.controls) - len(direct) - len(supporting),
    )
