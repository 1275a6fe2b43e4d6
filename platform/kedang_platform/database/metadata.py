"""The two shared schemas; features of the platform add their tables to them."""

from __future__ import annotations

from sqlalchemy import MetaData

# Names are said once, here, so that a migration can name what it drops.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

platform_metadata = MetaData(schema="platform", naming_convention=NAMING)
work_metadata = MetaData(schema="work", naming_convention=NAMING)
