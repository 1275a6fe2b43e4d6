"""The revision of a company's schema that this code was written for; written by ``kedang_migrations.revise``."""

REVISION = "0056"
"""A company's schema at this or a later revision is served; one that stands earlier is being upgraded."""
