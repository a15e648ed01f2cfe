"""Gathering: one collector for each kind. A collector asks and keeps; it never judges and never writes to a source."""
