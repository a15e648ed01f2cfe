"""The small tokenizer sees every name that a real parser sees, and what it cannot follow it refuses."""

from __future__ import annotations

import celpy
import pytest
from cel_trees import tree_reads
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.catalog import installed
from controls.errors import RuleError
from controls.rules import DEEPEST_MACROS, reads

CHECKS = [check for item in installed().requirements for check in item.checks if check.rules]
RULES = [
    pytest.param(source, tuple(check.with_), id=f"{check.id}-{name}")
    for check in CHECKS
    for name, source in check.rules.items()
]
LISTS = ("jobs", "users")


def assert_same_names(source: str, lists: tuple[str, ...]) -> None:
    ours, theirs = reads(source, lists=lists), tree_reads(source, lists)
    assert {"record": ours.record, "params": ours.params, "facts": ours.facts} == theirs.followed
    assert ours.guarded == theirs.guarded
    assert ours.variables == theirs.variables
    assert dict(ours.rows) == theirs.rows
    assert not theirs.other_use
    assert theirs.deepest <= DEEPEST_MACROS


@pytest.mark.parametrize(("source", "lists"), RULES)
def test_the_tokenizer_reads_a_rule_of_the_catalogue_as_a_parser_does(source: str, lists: tuple[str, ...]) -> None:
    assert_same_names(source, lists)


NAMES = st.sampled_from(["a", "b", "has", "all", "record", "params", "size", "Encrypted", "in_", "r", "b2", "jobs"])
QUOTED = st.sampled_from(
    [
        "'record.hidden'", '"params.hidden"', r"'it\'s record.hidden'", r'"\\"', "r'record.raw'", 'r"\\"', "b'x'",
        "'''record.\nlong'''", '"""jobs.hidden"""', "'//'", "'('", "''", r"'\u0041'", "R'\\d'", "rb'\\'", "'\\\\'",
    ]
)  # fmt: skip
SPACE = st.sampled_from(["", " ", "\n", "  // record.commented\n", "\t"])
NUMBERS = st.sampled_from(["1", "2.5", "0x1F", "1u", "1e3", "12"])


@st.composite
def atoms(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 9))
    name, gap = draw(NAMES), draw(SPACE)
    if kind <= 2:
        return f"{draw(st.sampled_from(['record', 'params', 'facts']))}{gap}.{gap}{name}"
    if kind == 3:
        return f"has({gap}record.{name}{draw(st.sampled_from(['', '.deep']))}{gap})"
    if kind == 4:
        return draw(QUOTED)
    if kind == 5:
        return draw(NUMBERS)
    if kind == 6:
        return f"{draw(st.sampled_from(LISTS))}{gap}.size(){gap}"
    return draw(st.sampled_from(["at", "id", "true", "null", "x", "other.record", "record.a[0].b", "record.a['k']"]))


def combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, st.sampled_from(["&&", "||", "==", "<", "in", "+", "-", "*"]), inner, SPACE)
    macro = st.sampled_from(["all", "exists", "exists_one", "filter", "map"])
    lists = st.sampled_from([*LISTS, "jobs.filter(j, j.State)", "record.items", "[1, 2]", "facts.tickets"])
    return st.one_of(
        two.map(lambda parts: f"({parts[0]}{parts[3]} {parts[1]} {parts[3]}{parts[2]})"),
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"),
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        inner.map(lambda text: f"size({text})"),
        inner.map(lambda text: f"string({text}).contains('record.x')"),
        inner.map(lambda text: f"{{'key': {text}}}"),
        st.tuples(lists, macro, st.sampled_from(["x", "row", "j"]), NAMES, inner).map(
            lambda p: f"{p[0]}.{p[1]}({p[2]}, {p[2]}.{p[3]} == {p[4]})"
        ),
    )


EXPRESSIONS = st.recursive(atoms(), combine, max_leaves=12)


@settings(max_examples=250)
@given(EXPRESSIONS)
def test_the_tokenizer_never_misses_a_name_that_a_parser_sees(source: str) -> None:
    """Where it reads a rule it reads it like the parser; where it refuses, no name is missed either."""
    try:
        theirs = tree_reads(source, LISTS)
    except celpy.CELParseError:
        return
    try:
        ours = reads(source, lists=LISTS)
    except RuleError:
        return
    assert not theirs.other_use
    assert theirs.deepest <= DEEPEST_MACROS
    assert {"record": ours.record, "params": ours.params, "facts": ours.facts} == theirs.followed
    assert ours.guarded == theirs.guarded
    assert {name: names for name, names in theirs.rows.items() if not names <= ours.rows.get(name, frozenset())} == {}
    assert theirs.variables <= ours.variables | {"x", "row", "j"}, "a variable of one macro may stand free elsewhere"


@settings(max_examples=100)
@given(st.lists(atoms(), min_size=1, max_size=6))
def test_the_tokenizer_is_exact_where_no_variable_is_bound(parts: list[str]) -> None:
    source = " && ".join(parts)
    try:
        tree_reads(source, LISTS)
    except celpy.CELParseError:
        return
    try:
        reads(source, lists=LISTS)
    except RuleError:
        assert tree_reads(source, LISTS).other_use
        return
    assert_same_names(source, LISTS)


@settings(max_examples=150)
@given(st.lists(st.tuples(QUOTED, NAMES, SPACE), min_size=2, max_size=5))
def test_no_string_hides_the_name_beside_it(parts: list[tuple[str, str, str]]) -> None:
    """However strings are quoted, escaped or raw: where one ends, the next name is seen."""
    source = " + ".join(f"{quoted}{gap} + record.{name}" for quoted, name, gap in parts)
    assert reads(source).record == {name for _, name, _ in parts}


@pytest.mark.parametrize(
    "source",
    [
        "record", "record == {}", "size(record)", "record['a']", 'record["a"]', "record . a == record", "[record]",
        "record.exists(name, true)", "record.size() > 1", "record(1)", "has(record)", "params['x']", "facts == {}",
        "facts.all(name, true)", ".record.a", "1 in .record.a", "x(record)", "record ? 1 : 2", "{'a': record}",
    ],
)  # fmt: skip
def test_record_params_and_facts_used_otherwise_are_refused(source: str) -> None:
    with pytest.raises(RuleError, match=r"expected"):
        reads(source)


@pytest.mark.parametrize(
    "source",
    [
        "jobs", "size(jobs)", "jobs[0].State == 'x'", "jobs == []", "jobs.State", "[jobs]", "jobs + users == []",
        "jobs.exists(job, job['State'] == 'x')", "jobs.exists(job, 'State' in job)",
        "jobs.exists(job, job == record.x)",
        "jobs.exists(job, job.exists(name, true))", "jobs.exists(job, size(job) > 1)", "jobs.map(job, job).size() > 0",
        "jobs.filter(job, job.A)[0].B", "jobs.filter(job, job.A)", "jobs.filter(job, job.A) == []",
        "jobs.filter(job, job.A).exists(item, 'B' in item)", "jobs.exists(jobs, jobs.A)", "users.exists(jobs, jobs.A)",
        "jobs.exists(record, record.A)", "jobs.exists(id, id.A)", "(true ? jobs : users).exists(job, job['A'])",
        "jobs.filter(job, job.A).filter(job, job.B).exists(item, item[record.name])",
    ],
)  # fmt: skip
def test_lists_and_their_rows_used_otherwise_are_refused(source: str) -> None:
    """A name that is computed could be a poisoned one."""
    with pytest.raises(RuleError, match=r"expected"):
        reads(source, lists=LISTS)


def test_names_of_rows_are_told_by_list() -> None:
    source = (
        "jobs.filter(job, job.State == 'x').exists(done, done.By.Plan == record.Plan && has(done.At))"
        " && users.all(user, jobs.exists(job, job.Owner == user.Name)) && users.size() > 0"
    )
    found = reads(source, lists=LISTS)
    assert dict(found.rows) == {"jobs": {"State", "By", "At", "Owner"}, "users": {"Name"}}
    assert found.variables == {"jobs", "users", "record"}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("'record.x' == record.a", {"a"}),
        ('"record.x" == record.a', {"a"}),
        (r"'\'record.x' == record.a", {"a"}),
        (r'r"\" == record.a', {"a"}),
        (r'r"\" + record.a + "x"', {"a"}),
        (r"R'''record.x''' == record.a", {"a"}),
        ("'''it's record.x''' == record.a", {"a"}),
        ("record.a // record.x\n == 1", {"a"}),
        ("'//' == record.a", {"a"}),
        ("record\n.\na", {"a"}),
        ("other.record.x == record.a", {"a"}),
    ],
)
def test_what_a_string_or_comment_says_is_no_name(source: str, names: set[str]) -> None:
    assert reads(source).record == names


def test_only_has_of_the_name_itself_guards_it() -> None:
    """`has(record.a.b)` asks for b of a; where a is missing, that is unknown and not false."""
    assert reads("has(record.a) && has(record.b.c) && has(other.d) && record.e").guarded == {"a"}


def nested(depth: int) -> str:
    opened = "".join(f"record.xs.exists(x{level}, " for level in range(depth))
    return f"{opened}true{')' * depth}"


def test_macros_may_nest_two_deep_and_no_deeper() -> None:
    reads(nested(DEEPEST_MACROS))
    with pytest.raises(RuleError, match="nested at most 2 deep"):
        reads(nested(DEEPEST_MACROS + 1))


@pytest.mark.parametrize("macro", ["all", "exists", "exists_one", "filter", "map"])
@pytest.mark.parametrize("wrap", ["({})", "[{}]", "{{'k': {}}}", "size({})", "!({})", "(true ? {} : 1)"])
def test_no_bracket_hides_the_depth_of_a_macro(macro: str, wrap: str) -> None:
    inner = wrap.format(f"record.zs.{macro}(z, true)")
    with pytest.raises(RuleError, match="nested"):
        reads(f"record.xs.{macro}(x, record.ys.{macro}(y, {inner}))")


def test_macros_after_one_another_are_not_nested() -> None:
    chained = "record.xs.filter(x, x > 1).map(y, y + 1).exists(z, z > 2)"
    assert reads(f"{chained} && {chained} && {chained}").record == {"xs"}


@settings(max_examples=150)
@given(st.text(max_size=60))
def test_no_text_crashes_the_tokenizer(source: str) -> None:
    try:
        reads(source, lists=LISTS)
    except RuleError as error:
        assert str(error)  # noqa: PT017 (either is right; nothing else may come)
