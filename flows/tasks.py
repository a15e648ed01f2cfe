"""Thin Prefect tasks around plain functions: names, concurrency, quiet results. No logic here.

Arguments are services, account ids and regions; results are a line of words: never evidence, never a key. Retries are
the collectors' own business (they know which errors pass), and a failed unit is a receipt, so a task is never retried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

TASKS_AT_A_TIME = 8
RUNNER: Any = ThreadPoolTaskRunner(max_workers=TASKS_AT_A_TIME)


def gather_task(gather: Callable[[str, str, str], str]) -> Task[[str, str, str], str]:
    """`gather(service, account, region)` as a task whose run name a person can read."""

    def gather_units(service: str, account: str, region: str) -> str:
        return gather(service, account, region)

    return Task(
        gather_units,
        name="gather",
        task_run_name="gather {service} {account} {region}",
        retries=0,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
