"""Imports and exports of every kind of record, as jobs (A9)."""
