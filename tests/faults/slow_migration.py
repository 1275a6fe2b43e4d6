"""A release that adds a column and an index to every company, slowly: ``python -m tests.faults.slow_migration <seconds>``.

It goes the way of ``kedang migrate``, with one revision beyond those that stand; each company takes so long.
"""

import asyncio
import sys

from kedang_migrations import rendering
from kedang_migrations.applying import only_migrator
from kedang_migrations.environments import TENANT
from kedang_migrations.rendering import Step
from kedang_migrations.runner import migrate_schemas
from kedang_platform.database import Databases, urls_of
from kedang_platform.settings import Settings

REVISION = "9001"


def release(seconds: float) -> tuple[Step, ...]:
    """The revisions that stand, and one that a later release adds."""
    statements = (
        'ALTER TABLE customer ADD COLUMN novelty TEXT COLLATE "C"',
        f"SELECT pg_sleep({seconds})",
        "CREATE INDEX ix_customer_novelty ON customer (novelty)",
        "CREATE TABLE novelty (id UUID PRIMARY KEY)",
    )
    return (*rendering.steps(TENANT), Step(REVISION, statements))


async def main(seconds: float) -> int:
    settings = Settings()
    databases = await Databases.open(settings, urls_of(settings))
    try:
        async with only_migrator(databases, waiting=lambda: None):
            report = await migrate_schemas(databases, steps=release(seconds))
    finally:
        await databases.close()
    return 0 if report.complete else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(float(sys.argv[1]))))
