"""The package's README: what is in it, what is not, and how to check it with nothing but a shell and openssl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.report.text import one_line

SHELL_LINES = r"""
    set -eu -o pipefail
    POLICY=${POLICY:-/path/to/the/trust-policy.json}
    LOG=data/vault/v1/@LOG@
    WORK=$(mktemp -d)

The bag: nothing lost, changed or added on the way.

    sha256sum --check --strict --quiet manifest-sha256.txt
    sha256sum --check --strict --quiet tagmanifest-sha256.txt
    find data -type f | LC_ALL=C sort > $WORK/there
    cut -c67- manifest-sha256.txt | LC_ALL=C sort | diff - $WORK/there

The keys: from the policy that you pinned when the engagement began, never from this package; each under its id.

    grep -o '"vkey" *: *"[^"]*"' "$POLICY" | sed 's/.*"\([^"]*\)"$/\1/' > $WORK/vkeys
    der() { if test $(stat -c %s $1) = 32; then printf '\060\052\060\005\006\003\053\145\160\003\041\000'; fi; cat $1; }
    while read -r V; do printf '%s' "$V" | cut -d+ -f3- | base64 -d | tail -c +2 > $WORK/key; ID=$(sha256sum < $WORK/key | cut -c1-64); der $WORK/key | openssl pkey -pubin -inform DER -out $WORK/$ID.pem; done < $WORK/vkeys
    signed() { openssl pkeyutl -verify -pubin -inkey $1 -rawin -in $2 -sigfile $3 > /dev/null; }

The newest checkpoint: who signed how many entries with which root.

    CHECKPOINT=$(ls $LOG/checkpoint/* | tail -n 1)
    sed '/^$/,$d' $CHECKPOINT > $WORK/cp.txt
    tail -n 1 $CHECKPOINT | awk '{print $3}' | base64 -d | tail -c +5 > $WORK/cp.sig
    BY=; for K in $WORK/*.pem; do if signed $K $WORK/cp.txt $WORK/cp.sig 2> /dev/null; then BY=$K; fi; done; test -n "$BY"

The entries: each one signed, each names the one before it, and together they have the root of the checkpoint.

    payload() { sed 's/.*"payload":"\([^"]*\)".*/\1/' $1 | base64 -d; }
    signature() { sed 's/.*"sig":"\([^"]*\)".*/\1/' $1 | base64 -d; }
    pae() { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $(stat -c %s $1) | cat - $1; }
    keyid() { sed 's/.*"keyid":"\([0-9a-f]*\)".*/\1/' $1; }
    prev() { sed -n 's/.*"prev":"sha256:\([0-9a-f]*\)".*/\1/p' $1; }
    BEFORE=
    for E in $LOG/entry/*; do payload $E > $WORK/p; signature $E > $WORK/s; pae $WORK/p > $WORK/pae; signed $WORK/$(keyid $E).pem $WORK/pae $WORK/s; test "$(prev $WORK/p)" = "$BEFORE"; BEFORE=$(sha256sum < $E | cut -c1-64); done
    leaf() { printf '\000' | cat - $1 | sha256sum | cut -c1-64; }
    node() { printf '%b' $(printf '01%s%s' $1 $2 | sed 's/../\\x&/g') | sha256sum | cut -c1-64; }
    above() { while read -r L; do if read -r R; then node $L $R; else echo $L; fi; done; }
    for E in $LOG/entry/*; do leaf $E; done > $WORK/level
    test $(wc -l < $WORK/level) = $(sed -n 2p $CHECKPOINT)
    while test $(wc -l < $WORK/level) -gt 1; do above < $WORK/level > $WORK/next; mv $WORK/next $WORK/level; done
    test $(cat $WORK/level) = $(sed -n 3p $CHECKPOINT | base64 -d | od -An -v -tx1 | tr -d ' \n')

The sealed bytes: each has the digest that is its name. The last entry names the scope, the scope the files drawn for it.

    find $LOG/blob -type f | sed 's:.*/\([0-9a-f]*\)$:\1  &:' | sha256sum --check --strict --quiet -
    LAST=$(ls $LOG/entry/* | tail -n 1)
    SCOPE=$(payload $LAST | sed 's/.*"digest":"sha256:\([0-9a-f]*\)","key_epoch".*/\1/')
    CONTENTS=$(sed 's/.*"contents":{"digest":"sha256:\([0-9a-f]*\)".*/\1/' $LOG/blob/sha256/$(echo $SCOPE | cut -c1-2)/$SCOPE)
    test $(sha256sum < data/contents.jsonl | cut -c1-64) = $CONTENTS
    sed 's/{"digest":"sha256:\([0-9a-f]*\)","path":"\([^"]*\)".*/\1  \2/' data/contents.jsonl | sha256sum --check --strict --quiet -

Time stamps, where there are any; TSA is the authority's own certificate, which you have from elsewhere.

    for T in $LOG/tsr/*.tsr; do test -e $T || continue; openssl ts -verify -in $T -data $LOG/checkpoint/$(basename $T | cut -d. -f1) -CAfile "$TSA"; done
    echo sound as far as a shell can see
""".strip("\n")  # noqa: E501 (a line of the shell is a line)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the README tells of one package."""

    name: str
    organisation: str
    simulated: bool
    log: str
    status: str
    frameworks: Sequence[str]
    runs: Sequence[str]
    accounts: Sequence[str]
    requirements: int
    artifacts: int
    omitted: Mapping[str, int]
    masked: bool
    recipient: str | None


def readme(facts: Facts) -> str:
    """Plain text; its indented lines are run, one after the other, by bash."""
    return "\n\n".join(
        [
            f"{facts.name}\n{'=' * len(facts.name)}",
            *(["SIMULATED: made by a demonstration, evidence of nothing."] if facts.simulated else []),
            _what(facts),
            _where(facts),
            _limits(facts),
            _how(),
            SHELL_LINES.replace("@LOG@", facts.log),
        ]
    ) + "\n"  # fmt: skip


def shell_lines(text: str) -> str:
    """The indented lines of a README, as a script."""
    return "\n".join(line.removeprefix("    ") for line in text.splitlines() if line.startswith("    ")) + "\n"


def _what(facts: Facts) -> str:
    omitted = ", ".join(f"{count} {reason}" for reason, count in sorted(facts.omitted.items())) or "nothing"
    return "\n".join(
        [
            f"Evidence of {one_line(facts.organisation, 200)}, from its log {facts.log}.",
            f"Status: {facts.status.upper()} (of what its scope promises).",
            f"Frameworks: {', '.join(facts.frameworks)}; {facts.requirements} evidence requirements.",
            f"Runs: {', '.join(facts.runs) or 'none'}. Accounts: {', '.join(facts.accounts) or 'none'}.",
            f"Artifacts: {facts.artifacts} in; left out: {omitted}. Each omission stands in data/omitted.jsonl.",
        ]
    )


def _where(facts: Facts) -> str:
    sealed = f"\ndata/sealed/       what is masked elsewhere, for {facts.recipient} alone: `evidence unseal`" * bool(
        facts.recipient
    )
    return (
        "data/evidence/     a folder for each requirement: artifacts, and printable views headed by their provenance\n"
        "data/index.tsv     all of them in one table\n"
        "data/findings/     findings of the scope, one JSON line each\n"
        "data/workbooks/    the workbook, where the scope is a whole framework\n"
        "data/vault/        the log and the sealed bytes, under the names that the proof has\n"
        f"data/omitted.jsonl data/contents.jsonl verify.py README.txt{sealed}"
    )


def _limits(facts: Facts) -> str:
    masked = (
        "Personal data is MASKED in what can be read here, and the sealed bytes that hold it are left out: their\n"
        "digests stand in the manifest's rows, so that a copy disclosed later can be recognised.\n"
    )
    return (masked if facts.masked else "") + (
        "The log proves that bytes were not changed since they were sealed. It does not prove that they were true,\n"
        "and only a checkpoint that you kept shows whether the newest entries were dropped."
    )


def _how() -> str:
    return (
        "To check all of it:  evidence verify PACKAGE --trust trust-policy.json\n"
        "Without our program: python3 -I verify.py PACKAGE --trust trust-policy.json   (standard library and openssl)\n"
        "Take verify.py and the policy from elsewhere than this package: who can change the one can change the other.\n"
        "\n"
        "With bash, coreutils and openssl 3 only: run the indented lines in this folder, one after the other; the\n"
        "first that fails says what is wrong. They see changed, lost and added bytes, signatures, chain and root.\n"
        "They do not see whether units are missing from a manifest, whether promised artifacts were left out of bag\n"
        "and lists alike, key ranges, rotations and stolen keys, other spellings of a signed statement, the order of\n"
        "runs, or age: for these use one of the two above."
    )
