"""What gathering one unit has at hand, whether by declaration or by a module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.unit import Unit
from flows.collectors.aws.calls import Caller
from flows.collectors.aws.parameters import Scope
from flows.collectors.source import Source
from flows.collectors.spool import Spool, Spooled
from flows.collectors.tally import Tally


@dataclass
class Work:
    """One unit being gathered."""

    unit: Unit
    declaration: KindDeclaration
    caller: Caller
    tally: Tally
    scope: Scope
    source: Source | None
    paginator: Callable[[str, str], Mapping[str, Any] | None]
    memory: int
    files: list[Spooled] = field(default_factory=list)

    def new_file(self, name: str, media_type: str) -> Spool:
        """A file of the unit; `keep` it once it is whole."""
        return Spool(name, media_type, memory=self.memory)

    def keep(self, spool: Spool) -> None:
        """The file is whole and goes to the vault."""
        self.files.append(spool.finish())
