"""Step 10: a package is a bag, and holds what the last entry of its log says that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidence_schema.bagit import DECLARATION, INFO, MANIFEST, TAG_MANIFEST, Bag, Fault, Files, check_bag
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.layout import Layout
from evidence_schema.models.entry import Export, RunClose
from evidence_schema.models.package import PackageFile, PackageScope
from evidence_schema.reader import Reader
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.reading import Misshapen, Unreadable, lines, parsed, read_bounded
from evidence_schema.verification.scope import VAULT, Scope

CONTENTS = "data/contents.jsonl"
VAULT_FOLDER = "data/vault/"
MAX_SCOPE = 4 * 1024 * 1024
_MAX_LINE = 8 * 1024
_MAX_INFO = 1024 * 1024
_OWN = frozenset({DECLARATION, INFO, MANIFEST, TAG_MANIFEST, CONTENTS})
_BAG_TYPES = {
    Fault.MALFORMED: "bag-malformed",
    Fault.MISSING: "bag-file-missing",
    Fault.UNLISTED: "bag-file-unlisted",
    Fault.CHANGED: "bag-file-changed",
}


def check_package(files: Files, reader: Reader, layout: Layout, entries: Sequence[Entry], problems: Problems) -> Scope:
    """The scope that the log signed; where there is none, a problem, and then everything counts as promised."""
    sizes = files.sizes()
    _check_bag(check_bag(files), sizes, problems)
    found = _scope(reader, layout, entries, problems)
    if found is None:
        return VAULT
    scope, statement = found
    _check_scope(scope, layout, entries, problems)
    _check_contents(files, sizes, scope, layout, problems)
    return Scope(scope, statement)


def _check_bag(bag: Bag, sizes: Mapping[str, int], problems: Problems) -> None:
    """Stricter than the standard: our form of a bag only, and nothing to be fetched from elsewhere."""
    for fault in (*bag.faults, *bag.warnings):
        problems.add(_BAG_TYPES.get(fault.fault, "bag-malformed"), fault.name, fault.expected, fault.found)
    for name in bag.awaited:
        problems.add("bag-file-missing", name, "the file itself", "a line in fetch.txt")
    for name in (MANIFEST, TAG_MANIFEST):
        if name not in sizes:
            problems.add("bag-malformed", name, "a manifest of SHA-256 digests", "none")
    if bag.is_valid and bag.version != (1, 0):
        problems.add("bag-malformed", DECLARATION, "BagIt 1.0", f"{bag.version[0]}.{bag.version[1]}")


def _scope(
    reader: Reader, layout: Layout, entries: Sequence[Entry], problems: Problems
) -> tuple[PackageScope, Digest] | None:
    last = entries[-1] if entries else None
    export = last.predicate if last is not None else None
    if last is None or not isinstance(export, Export) or export.package is None:
        found = "another entry" if last is not None else "no entry"
        key = last.key if last is not None else layout.entries
        problems.add("package-not-logged", key, "the export of this package as the last entry", found)
        return None
    key = layout.blob(export.digest)
    try:
        data = read_bounded(reader, key, "", MAX_SCOPE)
        if Digest.of(data) != export.digest:
            problems.add("scope-malformed", key, export.digest, Digest.of(data))
            return None
        return parsed(PackageScope, data), export.digest
    except (Misshapen, Unreadable) as error:
        problems.add("scope-malformed", key, "the scope of a package", error)
    return None


def _check_scope(scope: PackageScope, layout: Layout, entries: Sequence[Entry], problems: Problems) -> None:
    key = layout.entries
    closed = {entry.predicate.run_id for entry in entries if isinstance(entry.predicate, RunClose)}
    last = entries[-1].predicate
    recipient = last.recipient if isinstance(last, Export) else None
    problems.compare("scope-differs", key, ("log", layout.log, scope.log), ("recipient", recipient, scope.recipient))
    for run in scope.runs:
        if run.run_id not in closed:
            problems.add("scope-differs", key, "closed runs of this log", run.run_id)


def _check_contents(
    files: Files, sizes: Mapping[str, int], scope: PackageScope, layout: Layout, problems: Problems
) -> None:
    _check_status(files, sizes, scope, problems)
    known = set(_OWN)
    for listed in _contents(files, sizes, scope, problems):
        known.add(listed.path)
        _check_file(files, sizes, listed, problems)
    for name in sizes if len(known) > len(_OWN) else ():  # without the list nothing is known to be strange
        if name not in known and not name.startswith(VAULT_FOLDER + layout.root):
            problems.add("package-file-unknown", name, "files that the package's scope names", "another one")


def _contents(files: Files, sizes: Mapping[str, int], scope: PackageScope, problems: Problems) -> list[PackageFile]:
    """The list, which is believed only as a whole."""
    if CONTENTS not in sizes:
        problems.add("package-file-missing", CONTENTS, "the list of all files drawn for the package", "none")
        return []
    stream, found = DigestStream(), []

    def passing() -> object:
        for piece in files.stream(CONTENTS):
            stream.update(piece)
            yield piece

    try:
        found = [parsed(PackageFile, line) for line in lines(passing(), _MAX_LINE)]  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 (each place has its own errors, unknown here)
        problems.add("package-contents-differ", CONTENTS, scope.contents.digest, error)
        return []
    if (stream.finish(), len(found)) != (scope.contents.digest, scope.contents.rows):
        problems.add("package-contents-differ", CONTENTS, scope.contents.digest, stream.finish())
        return []
    return found


def _check_file(files: Files, sizes: Mapping[str, int], listed: PackageFile, problems: Problems) -> None:
    if listed.path not in sizes:
        problems.add("package-file-missing", listed.path, "a file, for the package's scope names it", "none")
        return
    stream = DigestStream()
    try:
        for piece in files.stream(listed.path):
            stream.update(piece)
    except Exception as error:  # noqa: BLE001 (as above)
        problems.add("package-file-changed", listed.path, listed.digest, error)
        return
    if (stream.finish(), stream.size) != (listed.digest, listed.size):
        problems.add("package-file-changed", listed.path, listed.digest, stream.finish())


def _check_status(files: Files, sizes: Mapping[str, int], scope: PackageScope, problems: Problems) -> None:
    """What bag-info says to whoever reads only that."""
    if sizes.get(INFO, _MAX_INFO + 1) > _MAX_INFO:
        problems.add("bag-info-differs", INFO, f"Package-Status: {scope.status}", "none")
        return
    try:
        text = b"".join(files.stream(INFO)).decode("utf-8", "replace")
    except Exception as error:  # noqa: BLE001 (as above)
        problems.add("bag-info-differs", INFO, f"Package-Status: {scope.status}", error)
        return
    stated = [line.partition(": ")[2] for line in text.splitlines() if line.startswith("Package-Status: ")]
    if stated != [scope.status.value]:
        problems.add("bag-info-differs", INFO, f"Package-Status: {scope.status}", ", ".join(stated) or "none")
