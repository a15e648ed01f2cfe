"""What of a run is personal: kinds by their declarations, checks by the kinds that they read."""

from __future__ import annotations

from collections.abc import Iterable

from controls.models import Catalog, Check
from evidence_schema.models.declaration import KindDeclaration


def personal_kinds(declarations: Iterable[KindDeclaration], also: Iterable[str] = ()) -> frozenset[str]:
    """Kinds whose artifacts are encrypted, and views of them: declared personal, read by a view that is, or `also`.

    A view has no artifact of its own: where it is personal, what it is read from is; and what is read from a personal
    artifact is held to be personal as well.
    """
    known = {item.kind: item for item in declarations}
    found = {item.kind for item in known.values() if item.personal} | {kind for kind in also if kind in known}
    found |= {known[kind].view_of or kind for kind in found}
    return frozenset(found | {item.kind for item in known.values() if item.view_of in found})


def personal_checks(catalog: Catalog, kinds: frozenset[str], known: Iterable[str] | None = None) -> frozenset[str]:
    """Checks whose findings are encrypted: any that reads a personal kind, be it only beside the one it judges.

    Where `known` kinds are named, a kind that is none of them may be personal, and so counts as such.
    """
    harmless = None if known is None else frozenset(known) - kinds
    return frozenset(
        check.id
        for item in catalog.requirements
        for check in item.checks
        if kinds & (read := _read(check)) or (harmless is not None and read - harmless)
    )


def _read(check: Check) -> frozenset[str]:
    return frozenset((*check.over, *(companion.kind for companion in check.with_.values()))) - {"account", "region"}


def personal_facts(catalog: Catalog, checks: frozenset[str], supplied: Iterable[str]) -> frozenset[str]:
    """Supplied facts that no rule needs but a personal check's: lists of people are compared with people's records.

    What an open check needs stays in clear, so that it can be judged again by whoever has no keys.
    """
    in_clear = {
        fact
        for item in catalog.requirements
        for check in item.checks
        if check.rules and check.id not in checks
        for fact in check.needs
    }
    return frozenset(supplied) - in_clear
