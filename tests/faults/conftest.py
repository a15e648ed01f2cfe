"""What the fault tests compare with: the same month with nothing wrong, made once a worker."""

from __future__ import annotations

import pytest
from comparing import Substance, substance_of
from worlds import Founder, Gathered

pytest.register_assert_rewrite("killing", "truth", "told", "workbooks")

from killing import MONTH, UNITS, small  # noqa: E402 (rewritten before it is imported)


@pytest.fixture(scope="session")
def undisturbed_small(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Substance:
    """The month in one region."""
    place = small(organisation, tmp_path_factory.mktemp("undisturbed-small"))
    done = place.evidence(*MONTH)
    assert done.returncode == 1, done.stderr
    gathered = place.gathered()
    assert len(gathered.receipts) == UNITS
    return substance_of(gathered)


@pytest.fixture(scope="session")
def undisturbed(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    """The month in both regions."""
    place = organisation(tmp_path_factory.mktemp("undisturbed"), frameworks=["soc2"])
    done = place.evidence(*MONTH)
    assert done.returncode == 1, done.stderr
    gathered = place.gathered()
    assert all(receipt.result.is_complete for receipt in gathered.receipts.values())
    return gathered
