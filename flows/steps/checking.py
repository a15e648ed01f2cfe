"""Check a catalogue and the declared kinds without asking anybody: every mistake, with its file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from controls.errors import CatalogError, Mistake
from controls.fields import Fit, KindFields, fit_of
from controls.models import Catalog, Check
from controls.reading import CatalogReading, read_catalog
from controls.wording import worded
from flows.collectors.aws.actions import wrong_actions
from flows.collectors.aws.modules import MODULES
from flows.collectors.aws.session import AwsSessions
from flows.collectors.aws.settings import AwsSettings
from flows.collectors.aws.shapes import kind_fields, wrong_names
from flows.collectors.aws.validation import Validator
from flows.collectors.registry import KindsReading, read_kinds


@dataclass(frozen=True)
class Checked:
    """What was looked at, and everything that is wrong with it."""

    mistakes: tuple[Mistake, ...]
    """By file and line."""
    kinds: int
    requirements: int
    checks: int
    rules: int
    """CEL expressions."""
    names: int
    """How often a rule reads a name that the shape of its kind has."""
    untold: Mapping[str, tuple[str, ...]]
    """Check id -> paths of its rules that no shape tells of: keys of maps, what a derivation makes below a field."""


def check_rules(catalogue: Path, declarations: Path, wording: Path | None = None) -> Checked:
    """Read a catalogue and a folder of kinds; hold kinds against botocore's models and rules against their kinds."""
    kinds = read_kinds(declarations)
    reading = read_catalog(catalogue, kinds=kinds.names)
    checks = {check.id: check for item in reading.catalog.requirements for check in item.checks}
    sound = {id_: check for id_, check in checks.items() if id_ in reading.checks}
    of_kinds, fields = _kinds_checked(kinds, _kinds_read(sound.values()))
    fits = {id_: fit_of(check, fields) for id_, check in sound.items()}
    mistakes = [*kinds.mistakes, *reading.mistakes, *of_kinds, *_of_rules(reading, fits)]
    mistakes += _of_wording(reading.catalog, wording) if wording is not None else ()
    return Checked(
        mistakes=tuple(sorted(mistakes, key=lambda item: (str(item.path), item.line or 0))),
        kinds=len(kinds.names),
        requirements=len(reading.catalog.requirements),
        checks=len(checks),
        rules=sum(len(check.rules) for check in checks.values()),
        names=sum(fit.told for fit in fits.values()),
        untold={id_: fit.untold for id_, fit in fits.items() if fit.untold},
    )


def _kinds_read(checks: Iterable[Check]) -> set[str]:
    return {kind for check in checks for kind in (*check.over, *(item.kind for item in check.with_.values()))}


def _kinds_checked(reading: KindsReading, read: set[str]) -> tuple[list[Mistake], dict[str, KindFields]]:
    """What is wrong with the kinds, and the fields of the sound ones that rules read.

    Kinds come service by service, so that each service's model is loaded once.
    """
    kinds, sessions = reading.kinds, AwsSessions({}, AwsSettings())
    validator = Validator(kinds, sessions, frozenset(MODULES))
    mistakes: list[Mistake] = []
    fields: dict[str, KindFields] = {}
    for kind, declaration in kinds.items():
        found = validator.mistakes_of(kind)
        mistakes += found
        if found:
            continue
        wrong = [*wrong_actions(declaration, sessions), *wrong_names(declaration, sessions)]
        mistakes += [kinds.mistake(kind, pointer, text) for pointer, text in wrong]
        if kind in read:
            fields[kind] = kind_fields(declaration, sessions)
    return mistakes, fields


def _of_rules(reading: CatalogReading, fits: Mapping[str, Fit]) -> Iterator[Mistake]:
    for id_, fit in fits.items():
        for unfit in fit.unfit:
            yield reading.checks[id_].part(*unfit.step).mistake_at(unfit.name, unfit.text)


def _of_wording(catalog: Catalog, path: Path) -> tuple[Mistake, ...]:
    try:
        worded(catalog, path)
    except CatalogError as error:
        return error.mistakes
    return ()
