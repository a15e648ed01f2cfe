"""Page by page, by botocore's own paginators or by `pages:`; each page is asked through the recorder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import PaginationError
from botocore.paginate import Paginator

from evidence_schema.models.declaration import Pages
from evidence_schema.paths import look_up
from flows.collectors.aws.calls import Answer

AskPage = Callable[[dict[str, Any], int], Answer]
"""Ask with these parameters, as this page."""
Fail = Callable[[int, str, str], Answer]
"""Record that this page could not be asked: code and message."""
_NO_RESULTS = "`[]`"
"""Botocore counts results while paging; the engine counts items itself."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Stop(Exception):
    """A page was not answered: botocore's iterator must end, the answer is yielded."""


def paging_of(pages: Pages | None, known: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """How an operation pages: as declared, else as botocore knows, else not at all."""
    if pages is not None:
        return {"input_token": pages.input, "output_token": pages.output, "result_key": _NO_RESULTS}
    return known


def token_names(config: Mapping[str, Any] | None) -> frozenset[str]:
    """The members that turn pages, of question and answer."""
    if config is None:
        return frozenset()
    tokens = [*_listed(config["input_token"]), *_listed(config["output_token"])]
    return frozenset(name for token in tokens for name in _NAME.findall(token))


def pages(
    ask: AskPage, fail: Fail, parameters: Mapping[str, Any], config: Mapping[str, Any] | None
) -> Iterator[Answer]:
    """Every page in turn, up to the first that is not answered."""
    if config is None:
        yield ask(dict(parameters), 1)
        return
    answers: list[Answer] = []
    count = 0

    def method(**asked: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        answers[:] = [ask(asked, count)]
        if not answers[0].has_body:
            raise _Stop
        return answers[0].plain

    try:
        paginator: Any = Paginator  # its stubs ask for more than it needs
        for _ in paginator(method, config, None).paginate(**parameters):
            yield answers[0]
    except _Stop:
        yield answers[0]
        return
    except PaginationError:
        yield fail(count + 1, "PaginationError", "the same paging token came twice")
        return
    if _is_truncated(answers[0].plain, config):
        yield fail(count + 1, "Truncated", "the answer says that there is more, and gives no token for it")


def _is_truncated(body: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    more = config.get("more_results")
    return isinstance(more, str) and bool(look_up(body, more))


def _listed(tokens: str | list[str]) -> list[str]:
    return [tokens] if isinstance(tokens, str) else list(tokens)
