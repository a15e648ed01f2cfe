"""What a secret looks like: by its own form, by the name it stands under, by the word before it, or by chance.

Every rule answers with spans, so that only the secret is cut and the rest of a text is kept. Access key ids (AKIA...,
ASIA...) are identifiers that audits need, not secrets: they are kept. Each pattern runs in linear time, since texts
come from outside: repeats are bounded, or cannot overlap with what follows them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from flows.collectors.chance import CHANCE_RULE, is_chance, runs_of_chance
from flows.collectors.secret_forms import BARE_SECRET_KEY, COMMANDS, FORMS, SECRET_KEY, Span, has_digit

ASSIGNMENT_RULE = "assignment"
NAMED_RULE = "named"
_AFTER = r"(?:[_.-]?(?:\d{1,2}|v\d|base|value|prod|dev|test|staging|live|new|old|primary|secondary))?"
_KEY = re.compile(
    r"(?:passwords?|passwd|pwd|passphrase|passcode|secrets?|tokens?|api[_-]?keys?|access[_-]?key|secret[_-]?key"
    r"|account[_-]?key|private[_-]?key|shared[_-]?key|signing[_-]?key|encryption[_-]?key|master[_-]?key|credentials?"
    r"|_auth|(?<![A-Za-z0-9])pass)" + _AFTER + r"(?![A-Za-z0-9_])",
    re.IGNORECASE,
)
_STEMS = ("pass", "pwd", "secret", "token", "key", "credential", "_auth")
_QUOTED = (
    r"(?:(?P<quote>[\"'])(?P<quoted>(?:(?!(?P=quote))(?:\\[^\r\n]|[^\\\r\n])){1,4000})"
    r"|\\{1,3}(?P<sign_of_quote>[\"'])(?P<escaped>(?:(?!\\{0,3}(?P=sign_of_quote))[^\r\n]){1,4000}))"
)
_BARE = r"(?:[^\s\"'&;,<>|]|[&;,|](?![\w .%-]{0,60}=|\s|\Z|[&;,|\"'])|[<>](?![\s/<>]|\Z)|(?<=\w)'(?=\w)){1,4000}"
"""A value without quotes: what parts settings ends it only where another setting, or nothing, follows."""
_BEFORE_VALUE = re.compile(r"\\{0,3}[\"'\])]?[ \t]{0,20}(?P<sign>=>|:=|={1,2}|:)(?P<gap>\s{0,20})")
_VALUE = re.compile(_QUOTED + r"|(?P<bare>" + _BARE + ")")
_BLOCK = re.compile(r"[|>][+-]?\d?[ \t]*\r?\n[ \t]+(?P<secret>[^\r\n]{1,4000})")
_ELEMENT = re.compile(r">\s{0,20}(?:<!\[CDATA\[)?(?P<secret>[^<\]]{1,4000})")
_ATTRIBUTE = re.compile(r"[\"']\s{1,20}value\s{0,5}=\s{0,5}" + _QUOTED, re.IGNORECASE)
_BESIDE = re.compile(r"</(?:name|key)>\s{0,80}<(?:value|string)>(?P<secret>[^<]{1,4000})", re.IGNORECASE)
_FLAG = re.compile(r"[ \t]{1,5}(?:" + _QUOTED + r"|(?!-)(?P<bare>" + _BARE + "))")
_SAID = re.compile(r"\s{1,5}" + _QUOTED)
_LINE = re.compile(r"[^\r\n]{1,4000}")
_START_OF_LINE = re.compile(
    r"(?:^|[\r\n])[ \t\-#;>]{0,60}(?:export[ \t]{1,4}|set[ \t]{1,4}|env[ \t]{1,4})?[\"']?[\w.\-/]{0,80}\Z"
)
_DASHES = re.compile(r"--?[\w-]{0,60}\Z")
_LOGIN = re.compile(r"\blogin\s+\S{1,100}\s+\Z")

_ENDINGS = (
    "password", "passwords", "passwd", "pwd", "passphrase", "passcode", "secret", "token", "tokens", "apikey",
    "apikeys", "secretkey", "accesskey", "secretaccesskey", "privatekey", "accountkey", "sharedkey", "signingkey",
    "connectionstring", "connectionuri", "credential", "credentials", "authorization", "mfaseed", "webhookurl",
)  # fmt: skip
_HARMLESS = frozenset({
    "clienttoken", "clientrequesttoken", "creationtoken", "idempotencytoken", "nexttoken", "paginationtoken",
    "continuationtoken", "nextcontinuationtoken", "startingtoken", "updatetoken", "locktoken", "changetoken",
})  # fmt: skip
"""Tokens that tell requests and versions apart or turn pages; they open nothing."""

_HINTS = (
    "secret", "token", "passw", "pwd", "credential", "apikey", "auth", "signature", "private", "cookie", "webhook",
)  # fmt: skip
_LABELS = (
    "id", "ids", "arn", "arns", "name", "type", "time", "date", "status", "region", "hash", "digest", "sha256",
    "fingerprint", "thumbprint", "checksum", "version", "mode", "uri", "endpoint", "policy", "scope", "issuer",
)  # fmt: skip
_MADE_BY_AWS = (
    "etag", "marker", "cursor", "signature", "certificate", "certificatedata", "publickey", "useragent", "xamzid2",
)  # fmt: skip
"""Names under which AWS itself writes what looks drawn by chance."""
_VARIANT = re.compile(_AFTER.removesuffix("?") + r"\Z", re.IGNORECASE)
_PASS = re.compile(r"(?:\A|[^A-Za-z]|(?<=[a-z])(?=P))pass\Z", re.IGNORECASE)
MARK = re.compile(r"\[redacted:[a-z0-9:._-]{1,160}\](?:\+\d{1,9})?")
"""What stands where something was cut."""
_PLACEHOLDER = re.compile(
    r"\s*|[*x•.]+|\*{3,}.{0,40}|HIDDEN_DUE_TO_SECURITY_REASONS|arn:[\w:/.*@+=,-]+|" + MARK.pattern + r"|"
    r"\$\{[^{}]{0,300}\}|\{\{[^{}]{0,300}\}\}|\$\([^()]{0,300}\)|\$[A-Z_][A-Z0-9_]*|\$[a-z_]+|%[A-Za-z_]+%|"
    r"<[A-Za-z _-]+>|"
    r"true|false|yes|no|on|off|enabled|disabled|required|optional|none|null|nil|n/a|undefined|default|success|failure|"
    r"seconds|minutes|hours|days",  # the unit in which a token's lifetime is counted
    re.IGNORECASE | re.DOTALL,
)
_CONDITION_KEY = re.compile(r"[a-z0-9.-]+:[A-Z]\w*(?:/.*)?")
"""A condition key of an IAM policy, `aws:RequestTag/token`: its values are rules, not secrets."""
_ACCESS_KEY_ID = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{16}")
_SHORTEST, _LONGER = 4, 6
_SENTENCE = 300
_QUOTES = ('"', "'", "\\")


def spans_of(text: str, *, words: bool = True, chance: bool = True) -> list[Span]:
    """Every secret that a text shows, in order, overlapping ones as one. Without `words` only by its form: for files,
    where a person's own words stand.
    """
    if len(text) < 8:
        return []
    found: list[Span] = []
    for form in (*FORMS, *COMMANDS) if words else FORMS:
        for hint in form.hints:
            if hint in text:
                found += form.spans(text)
                break
    if len(text) >= SECRET_KEY:
        found += BARE_SECRET_KEY.spans(text)
    if words:
        found += _spans_by_word(text)
    if chance:
        found += [(start, end, CHANCE_RULE) for start, end in runs_of_chance(text)]
    return merged(found)


def merged(found: list[Span]) -> list[Span]:
    """In order, overlapping ones as one. What chance says beside a better rule waits for another look: the rest may
    well be plain.
    """
    kept: list[Span] = []
    for span in sorted(span for span in found if span[2] != CHANCE_RULE):
        if kept and span[0] < kept[-1][1]:
            start, end, rule = kept[-1]
            kept[-1] = (start, max(end, span[1]), rule)
        else:
            kept.append(span)
    starts = [start for start, _, _ in kept]
    for start, end, rule in found:
        before = bisect_left(starts, end) - 1
        if rule == CHANCE_RULE and (before < 0 or kept[before][1] <= start):
            kept.append((start, end, rule))
    return sorted(kept)


def _spans_by_word(text: str) -> Iterator[Span]:
    """`password=...`, `"api_key": "..."`, `<secret>...`, `--token ...`: the value after a word that announces one."""
    low = text.lower()
    if not any(stem in low for stem in _STEMS):
        return
    lines, at = "\n" in text, 0
    while (key := _KEY.search(text, at)) is not None:
        span = _value_after(text, key, lines=lines)
        if span is not None:
            yield (*span, ASSIGNMENT_RULE)
        at = key.end() if span is None else max(key.end(), span[1])


def _value_after(text: str, key: re.Match[str], *, lines: bool) -> tuple[int, int] | None:
    at = key.end()
    before = text[max(0, key.start() - 160) : key.start()]
    if (sign := _BEFORE_VALUE.match(text, at)) is not None:
        return _assigned(text, sign, before, lines=lines)
    is_flag = text[at : at + 1] in (" ", "\t") and (_DASHES.search(before[-64:]) or _LOGIN.search(before))
    for pattern, wanted in (
        (_ELEMENT, "<" in before[-81:]), (_ATTRIBUTE, True), (_BESIDE, True), (_FLAG, is_flag), (_SAID, True),
    ):  # fmt: skip
        found = pattern.match(text, at) if wanted else None
        if found is not None:
            return _span_in(found)
    return None


def _assigned(text: str, sign: re.Match[str], before: str, *, lines: bool) -> tuple[int, int] | None:
    """The value after `=` or `:`. A bare one ends with the word, or in lines of settings with the line."""
    is_colon, starts = sign["sign"] == ":", _START_OF_LINE.search(before) is not None
    at = sign.end()
    quoted = text[at : at + 1] in _QUOTES
    if not quoted and ("\n" in sign["gap"] or (is_colon and not sign["gap"] and not starts)):
        return None
    found = _BLOCK.match(text, at) if is_colon and starts else None
    found = found or _VALUE.match(text, at)
    if found is None or found.lastgroup != "bare":
        return None if found is None else _span_in(found)
    if _PLACEHOLDER.fullmatch(found[0]):
        return None
    if not starts:
        value = found[0].rstrip(")]}")
        plain = is_colon and not (has_digit(value) and len(value) >= _LONGER)
        return (at, at + len(value)) if _is_value(value) and not plain else None
    if is_colon and not lines and " " in text[at : at + _SENTENCE].strip():
        return None  # a sentence: "Token: issued by the portal"
    line = _LINE.match(text, at) if lines and sign["gap"] else None
    value = (line or found)[0].partition(" #")[0].rstrip(" \t)]}\"'")
    return (at, at + len(value)) if _is_value(value) else None


def _span_in(found: re.Match[str]) -> tuple[int, int] | None:
    """Where the value stands in a match, if it is one."""
    group = next(name for name in ("secret", "quoted", "escaped", "bare") if found.groupdict().get(name) is not None)
    return found.span(group) if _is_value(found[group].strip()) else None


def _is_value(text: str) -> bool:
    return len(text) >= _SHORTEST and not _PLACEHOLDER.fullmatch(text) and not _ACCESS_KEY_ID.fullmatch(text)


def rule_of_value(text: str) -> str | None:
    """The rule of the first secret that a text shows; None where none shows."""
    return next((rule for _, _, rule in spans_of(text)), None)


def rule_of_token(text: str) -> str | None:
    """Like `rule_of_value`, only by form: for files, where a person's own words stand."""
    return next((rule for _, _, rule in spans_of(text, words=False, chance=False)), None)


def rule_of_named(name: str, text: str) -> str | None:
    """The rule of a value that is secret because of the name it stands under."""
    name = MARK.sub("", name) if "[" in name else name  # the rule in a mark is no name
    certain = names_a_secret(name)
    if not certain and not _hints_at_a_secret(name):
        return None
    if _PLACEHOLDER.fullmatch(text) or _ACCESS_KEY_ID.fullmatch(text):
        return None
    return NAMED_RULE if certain else CHANCE_RULE if is_chance(text) else None


@lru_cache(maxsize=4096)
def names_a_secret(name: str) -> bool:
    """Whether a member of this name holds a secret: `DbPassword`, `api_key`, `client-secret`, `TOKEN_2`."""
    if _CONDITION_KEY.fullmatch(name):
        return False
    for known in (name, _VARIANT.sub("", name)):
        compact = _compact(known)
        if compact not in _HARMLESS and (compact.endswith(_ENDINGS) or _PASS.search(known)):
            return True
    return False


@lru_cache(maxsize=4096)
def _hints_at_a_secret(name: str) -> bool:
    compact = _compact(name)
    if compact in _HARMLESS or compact.endswith(_LABELS) or _CONDITION_KEY.fullmatch(name):
        return False
    return any(hint in compact for hint in _HINTS)


@lru_cache(maxsize=4096)
def is_label(name: str) -> bool:
    """Whether what stands under this name identifies or checks something, be it ever so random."""
    compact = _compact(name)
    return compact in _HARMLESS or compact.endswith((*_LABELS, *_MADE_BY_AWS))


def _compact(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
