"""A folder of the catalogue, read and linked: what stands, and every mistake with its file and line.

Nothing is refused at the first mistake: who edits a catalogue is told all of them at once. What only follows from
another mistake is not told: where a framework's file is wrong, nobody hears that its controls are unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel, Field

from controls.checks import CompiledCheck
from controls.documents import Document, Pointer, load_yaml, validated
from controls.errors import CatalogError, Mistake, RuleError
from controls.models import Catalog, Check, Control, EvidenceRequirement, Framework, FrameworkCatalog
from controls.spelling import unknown
from evidence_schema.models.base import Frozen
from evidence_schema.models.names import FrameworkId, Mode

Model = TypeVar("Model", bound=BaseModel)
PLACES = ("account", "region")
"""What a check may be over besides kinds."""


@dataclass(frozen=True)
class Place:
    """A part of a document."""

    document: Document
    pointer: Pointer

    def part(self, *steps: str | int) -> Place:
        return Place(self.document, (*self.pointer, *steps))

    def mistake(self, text: str) -> Mistake:
        return self.document.mistake(self.pointer, text)

    def mistake_at(self, word: str, text: str) -> Mistake:
        """A mistake of one word within the part."""
        return Mistake(self.document.path, self.document.line_naming(self.pointer, word), text)

    def __str__(self) -> str:
        return f"{self.document.path.name}:{self.document.line(self.pointer)}"


@dataclass(frozen=True)
class CatalogReading:
    """What a folder holds: the sound part of it, and what is wrong with the rest."""

    catalog: Catalog
    mistakes: tuple[Mistake, ...]
    checks: Mapping[str, Place]
    """Where each sound check stands, by its id."""


def read_catalog(folder: Path, *, kinds: Collection[str] | None = None) -> CatalogReading:
    """Read `frameworks/*.yaml`, `evidence/*.yaml` and `facts.yaml` below a folder; no mistake in them raises.

    Where `kinds` is given, a requirement or check that names another kind is a mistake too.
    """
    return _Folder(folder, kinds).read()


class _FrameworkFile(Frozen):
    framework: Framework
    controls: tuple[Control, ...] = Field(min_length=1)


class _EvidenceFile(Frozen):
    requirements: tuple[EvidenceRequirement, ...] = Field(min_length=1)


class _FactsFile(Frozen):
    facts: dict[str, str]


@dataclass
class _Folder:
    folder: Path
    kinds: Collection[str] | None
    mistakes: list[Mistake] = field(default_factory=list)
    frameworks: dict[FrameworkId, FrameworkCatalog] = field(default_factory=dict)
    frameworks_are_sound: bool = False
    facts: Mapping[str, str] | None = None
    """None where the file is wrong."""
    requirements: dict[str, EvidenceRequirement] = field(default_factory=dict)
    first: dict[tuple[str, str], Place] = field(default_factory=dict)
    """Where each name stood first: (what it names, name)."""
    checks: dict[str, Place] = field(default_factory=dict)

    def read(self) -> CatalogReading:
        self.facts = self._facts()
        self._read_frameworks()
        self.frameworks_are_sound = not [item for item in self.mistakes if item.path != self.folder / "facts.yaml"]
        for document in self._documents("evidence"):
            for place, requirement in self._sound_requirements(document):
                self._take(place, requirement)
        catalog = Catalog(
            frameworks=tuple(self.frameworks.values()),
            requirements=tuple(self.requirements[id_] for id_ in sorted(self.requirements)),
            facts=dict(self.facts or {}),
        )
        return CatalogReading(catalog, tuple(self.mistakes), MappingProxyType(self.checks))

    def _facts(self) -> Mapping[str, str] | None:
        try:
            return validated(_FactsFile, load_yaml(self.folder / "facts.yaml")).facts
        except CatalogError as error:
            self.mistakes += error.mistakes
            return None

    def _documents(self, name: str) -> Iterator[Document]:
        files = sorted((self.folder / name).glob("*.yaml"))
        if not files:
            text = "expected at least one .yaml file, found none; a catalogue is frameworks/, evidence/ and facts.yaml"
            self.mistakes.append(Mistake(self.folder / name, None, text))
        for path in files:
            try:
                yield load_yaml(path)
            except CatalogError as error:
                self.mistakes += error.mistakes

    def _read_frameworks(self) -> None:
        for document in self._documents("frameworks"):
            file = self._sound(_FrameworkFile, document)
            if file is None:
                continue
            id_ = file.framework.id
            if not self._is_again("framework", id_, Place(document, ("framework", "id")), "one file a framework"):
                self.frameworks[id_] = FrameworkCatalog(framework=file.framework, controls=file.controls)
            for index, control in enumerate(file.controls):
                self._take_control(Place(document, ("controls", index)), control, file.framework)

    def _take_control(self, place: Place, control: Control, framework: Framework) -> None:
        """A control is asked for by its id or alias alone: each must be one control's, over all frameworks."""
        for step, names in (("id", (control.id,)), ("aliases", control.aliases)):
            for name in names:
                self._is_again("control", name, place.part(step), "give this one its own id, or take one of them away")
        for role in control.applies_to:
            if role not in framework.roles:
                told = unknown("role of the framework", role, framework.roles)
                self.mistakes.append(place.part("applies_to").mistake(told))

    def _sound(self, model: type[Model], document: Document, pointer: Pointer = ()) -> Model | None:
        try:
            return validated(model, document, pointer)
        except CatalogError as error:
            self.mistakes += error.mistakes
            return None

    def _sound_requirements(self, document: Document) -> Iterator[tuple[Place, EvidenceRequirement]]:
        """The requirements of a file. Where some are wrong, which is told, the others are looked at all the same."""
        file = self._sound(_EvidenceFile, document)
        if file is not None:
            for index, requirement in enumerate(file.requirements):
                yield Place(document, ("requirements", index)), requirement
            return
        entries = document.data.get("requirements") if isinstance(document.data, dict) else None
        for index in range(len(entries) if isinstance(entries, list) else 0):
            place = Place(document, ("requirements", index))
            try:
                yield place, validated(EvidenceRequirement, document, place.pointer)
            except CatalogError:
                continue

    def _take(self, place: Place, requirement: EvidenceRequirement) -> None:
        id_ = requirement.id
        if self._is_again("requirement", id_, place.part("id"), "give this one its own id, or take one of them away"):
            return
        self.requirements[id_] = requirement
        if self.frameworks_are_sound:
            self._link_mappings(place, requirement)
        unknown_kinds = self._refuse_unknown_kinds(place, requirement)
        for position, check in enumerate(requirement.checks):
            here = place.part("checks", position)
            before = len(self.mistakes)
            self._refuse_wrong_id(here, check, requirement)
            self._refuse_wrong_reach(here, check, requirement, unknown_kinds)
            self._refuse_wrong_rule(here, check)
            if len(self.mistakes) == before:
                self.checks[check.id] = here

    def _link_mappings(self, place: Place, requirement: EvidenceRequirement) -> None:
        for framework, mapping in requirement.mappings.items():
            self._link_controls(place.part("mappings", framework), framework, mapping)
        for position, check in enumerate(requirement.checks):
            for framework, controls in check.direct.items():
                self._link_controls(place.part("checks", position, "direct", framework), framework, controls)

    def _link_controls(self, place: Place, framework: FrameworkId, controls: Collection[str]) -> None:
        if framework not in self.frameworks:
            self.mistakes.append(place.mistake(unknown("framework", framework, self.frameworks)))
            return
        known = {control.id for control in self.frameworks[framework].controls}
        for control in controls:
            if control not in known:
                self.mistakes.append(place.part(control).mistake(unknown("control", control, known)))

    def _refuse_unknown_kinds(self, place: Place, requirement: EvidenceRequirement) -> bool:
        found = False
        for position, kind in enumerate(requirement.kinds):
            if self.kinds is not None and kind not in self.kinds:
                self.mistakes.append(place.part("kinds", position).mistake(unknown("kind", kind, self.kinds)))
                found = True
        return found

    def _refuse_wrong_id(self, here: Place, check: Check, requirement: EvidenceRequirement) -> None:
        hint = f"checks of {requirement.id} are {requirement.id}-C1, -C2, ..."
        if not check.id.startswith(f"{requirement.id}-C"):
            told = f"expected check ids {requirement.id}-C1, -C2, ... each once, found {check.id}; number it on"
            self.mistakes.append(here.part("id").mistake(told))
        else:
            self._is_again("check", check.id, here.part("id"), f"{hint}: number it on")

    def _refuse_wrong_reach(
        self, here: Place, check: Check, requirement: EvidenceRequirement, unknown_kinds: bool
    ) -> None:
        """What a check looks at is among the kinds of its requirement."""
        if requirement.kinds and check.mode is Mode.AUTO and (not check.over or check.assert_ is None):
            told = f"{check.id}: expected `over` and `assert` for an automatic check of records"
            self.mistakes.append(here.mistake(told))
        for fact in check.needs:
            if self.facts is not None and fact not in self.facts:
                self.mistakes.append(here.part("needs").mistake(unknown("fact", fact, self.facts)))
        named = [(here.part("over"), kind) for kind in check.over if kind not in PLACES]
        named += [(here.part("with", name), companion.kind) for name, companion in check.with_.items()]
        for place, kind in named:
            if kind not in requirement.kinds and not unknown_kinds:
                told = f"{check.id} reads {kind}, which is not among the requirement's kinds; add it there"
                self.mistakes.append(place.mistake(told))

    def _refuse_wrong_rule(self, here: Place, check: Check) -> None:
        try:
            CompiledCheck(check)
        except RuleError as error:
            self.mistakes.append(here.part(error.part).mistake(str(error)))

    def _is_again(self, what: str, name: str, place: Place, hint: str) -> bool:
        before = self.first.setdefault((what, name), place)
        if before is not place:
            told = f"expected each {what} once, found {name} again (first at {before}); {hint}"
            self.mistakes.append(place.mistake(told))
        return before is not place
