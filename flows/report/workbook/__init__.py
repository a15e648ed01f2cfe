"""The auditor's workbook. `openpyxl` is imported nowhere else."""

from flows.report.naming import workbook_name
from flows.report.workbook.compile import compile_workbook

__all__ = ["compile_workbook", "workbook_name"]
