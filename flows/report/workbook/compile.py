"""The order in which a workbook is drawn: the streams first, then the sheets that count and lead to their rows."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

from controls.assessment import Assessment
from evidence_schema.layout import Layout
from flows.report.grouping import ReceiptsByRequirement
from flows.report.naming import workbook_name
from flows.report.workbook import collection, contents, cover, exceptions, integrity, lead, matrix, register, results
from flows.report.workbook.book import COLLECTION, FILES, Book
from flows.report.workbook.places import places_of
from flows.report.workbook.sheet import Limits


def compile_workbook(assessment: Assessment, target: BinaryIO) -> None:
    """Draw one framework's workbook into `target`. The same assessment gives the same bytes."""
    compile_within(assessment, target, Limits())


def compile_within(assessment: Assessment, target: BinaryIO, limits: Limits) -> None:
    """The same, with other limits than the spreadsheet programs'."""
    assessment = replace(
        assessment, requirements=tuple(sorted(assessment.requirements, key=lambda row: row.requirement.id))
    )
    requirements = frozenset(row.requirement.id for row in assessment.requirements)
    places = places_of(assessment)
    with Book(assessment.header, workbook_name(assessment), limits) as book:
        with ReceiptsByRequirement(requirements) as groups:
            _units(book, assessment, groups, requirements)
            register.draw(book, assessment, groups, places)
        exceptions.draw(book, assessment, places)
        results.draw(book, assessment, places)
        matrix.draw(book, assessment, places)
        lead.draw(book, assessment, places)
        integrity.draw(book, assessment)
        cover.draw(book, assessment, places)
        contents.draw(book)
        book.save(target)


def _units(book: Book, assessment: Assessment, groups: ReceiptsByRequirement, requirements: frozenset[str]) -> None:
    """One pass over the receipts: collection log, stored files, and the groups of the register."""
    log = book.table(COLLECTION, collection.COLUMNS, collection.NOTE)
    files = book.table(FILES, integrity.COLUMNS, integrity.NOTE)
    layout = Layout(assessment.manifest.log)
    for row in integrity.sealed_rows(assessment):
        files.add(row)
    for receipt in assessment.receipts():
        groups.add(receipt)
        log.add(collection.cells(receipt, requirements))
        for row in integrity.artifact_rows(receipt, layout):
            files.add(row)
    for sheet in (log, files):
        sheet.say_omitted(f"the sealed manifest {assessment.header.manifest}")
    book.freeze(log, 2)
    book.freeze(files, 1)
