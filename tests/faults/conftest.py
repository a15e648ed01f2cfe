"""Helpers of this folder assert: their failures shall say what was found."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("truth", "workbooks")
