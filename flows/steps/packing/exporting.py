"""Say what a package is: its scope statement, the export entry that signs it, and what goes into the bag beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from evidence_schema.digest import Digest, DigestStream
from evidence_schema.layout import Layout
from evidence_schema.models.base import format_time
from evidence_schema.models.entry import Export, Statement, Subject
from evidence_schema.models.package import PackageScope
from evidence_schema.models.unit import Listing
from evidence_schema.reader import first_versions
from evidence_schema.sealing import recipient_key, seal
from flows.report.package.writing import ZipTarget, file_source
from flows.settings import Recipient
from flows.steps.packing.choosing import Chosen, PackageRequest
from flows.steps.packing.draft import Draft
from flows.steps.runtime import GENERATOR, Runtime
from flows.vault.keys import load_pseudonyms
from flows.vault.log import LoggedEntry, NextEntry
from flows.vault.vault import Vault

DISCLOSED_KEYS = "data-keys.jsonl"
"""In the sealed part: JSON Lines of DisclosedKey, by digest."""
SCOPE_MEDIA_TYPE = "application/vnd.evidence.package-scope+json"


def seal_withheld(layout: Layout, recipient: Recipient, draft: Draft) -> None:
    """All that was withheld, as a zip that only the recipient can open: sealed bytes as they are, and their keys."""
    place = draft.stage / "withheld.zip"
    moment = datetime(1980, 1, 1)  # noqa: DTZ001 (a zip's own first moment: the bytes must not depend on a clock)
    target = ZipTarget(place, "withheld", moment)
    for digest in sorted(draft.withheld):
        target.add(layout.blob(digest), draft.withheld[digest].source())
    keys = [item.key.canonical() + b"\n" for _, item in sorted(draft.withheld.items()) if item.key is not None]
    target.add(DISCLOSED_KEYS, iter(keys))
    target.close()
    context = layout.log.encode()
    pieces = seal(recipient_key(recipient.key), context, file_source(place)())
    draft.draw(f"data/sealed/{recipient.id}.sealed", pieces)


def scope_of(runtime: Runtime, chosen: Chosen, draft: Draft) -> tuple[PackageScope, list[bytes]]:
    lines = [draft.contents[path].canonical() + b"\n" for path in sorted(draft.contents)]
    stream = DigestStream()
    for line in lines:
        stream.update(line)
    scope = PackageScope(
        log=runtime.settings.log,
        runs=tuple(draft.runs),
        frameworks=chosen.frameworks,
        requirements=tuple(sorted(chosen.requirements)),
        accounts=tuple(sorted(chosen.accounts)),
        withheld=tuple(sorted(chosen.personal)),
        workbooks=tuple(sorted(set(draft.workbooks))),
        status=draft.status,
        recipient=chosen.recipient.id if chosen.recipient else None,
        contents=Listing(digest=stream.finish(), size=stream.size, rows=len(lines)),
        omitted=len(draft.omissions),
    )
    return scope, lines


def logged(runtime: Runtime, request: PackageRequest, chosen: Chosen, scope: PackageScope) -> LoggedEntry:
    """The export's entry. The same package again, with nothing but exports since, is the same export: same bytes."""
    vault, data = runtime.vault, scope.canonical()
    digest, standing = Digest.of(data), None
    for entry in vault.log.entries():
        predicate = entry.predicate
        if not isinstance(predicate, Export):
            standing = None
        elif predicate.package is not None and predicate.digest == digest:
            standing = entry
    if standing is not None:
        return standing
    run = chosen.runs[-1]
    vault.blobs.put_bytes(data, media_type=SCOPE_MEDIA_TYPE, lock=run.lock(vault))
    vault.runs.export(run.run_id, _export(runtime, request, chosen, digest, len(data)))
    return next(
        entry
        for entry in vault.log.entries()
        if isinstance(entry.predicate, Export) and entry.predicate.digest == digest and entry.predicate.package
    )


def _export(
    runtime: Runtime, request: PackageRequest, chosen: Chosen, digest: Digest, size: int
) -> Callable[[NextEntry], Statement]:
    run = chosen.runs[-1]
    pseudonyms = load_pseudonyms(f"file:{runtime.located.path(runtime.settings.keys.pseudonyms)}")

    def make(following: NextEntry) -> Statement:
        predicate = Export(
            **following.common(run.run_id, run.state.slot),
            package="unmasked" if chosen.recipient else "masked",
            recipient=chosen.recipient.id if chosen.recipient else None,
            reason=pseudonyms.pseudonym(request.reason) if chosen.recipient else None,
            name="scope.json",
            digest=digest,
            size=size,
            tree_size=following.seq,
        )
        return Statement(subject=(Subject.of("scope.json", digest),), predicate=predicate)

    return make


def log_keys(vault: Vault, newest: int) -> Iterator[tuple[str, str]]:
    """Entries, checkpoints and time-stamp tokens up to an entry: first versions, of a place that may have many."""
    layout = vault.layout
    for prefix in (layout.entries, layout.checkpoints, layout.tokens):
        for found in first_versions(vault.store.versions(prefix)):
            number = found.key.removeprefix(prefix).partition(".")[0]
            limit = newest if prefix == layout.entries else newest + 1
            if number.isascii() and number.isdigit() and int(number) <= limit:
                yield found.key, found.version


def bag_info(runtime: Runtime, name: str, scope: PackageScope, statement: Digest, entry: LoggedEntry) -> bytes:
    """What a receiving desk wants to know; the scope statement in the log says it with authority."""
    fields = (
        ("Source-Organization", " ".join(runtime.settings.organisation.split())),
        ("External-Identifier", name),
        ("Bagging-Date", format_time(entry.predicate.time)[:10]),
        ("Bag-Software-Agent", GENERATOR),
        ("Package-Status", scope.status.value),
        ("Package-Omitted", str(scope.omitted)),
        ("Package-Form", "unmasked part sealed" if scope.recipient else "masked"),
        ("Package-Log", scope.log),
        ("Package-Entry", str(entry.seq)),
        ("Package-Scope", str(statement)),
    )
    return "".join(f"{field}: {value}\n" for field, value in fields).encode()


def record_disclosure(path: Path, request: PackageRequest, recipient: Recipient, entry: LoggedEntry) -> None:
    """The reason in words, for the organisation's own file: the log holds only its keyed pseudonym."""
    record = {
        "package": path.name,
        "entry": entry.seq,
        "time": format_time(entry.predicate.time),
        "recipient": recipient.id,
        "agreements": [item.to_json() for item in recipient.agreements],
        "reason": request.reason,
    }
    place = path.with_name(f"{path.name}.disclosure.json")
    place.write_text(json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    place.chmod(0o600)
