"""What a flow does, step by step, as plain functions: tested without an orchestrator, wrapped by `flows/tasks.py`."""
