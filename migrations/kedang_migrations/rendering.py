"""A revision as the SQL statements it consists of, rendered once for however many schemas."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from kedang_migrations.environments import Environment


@dataclass(frozen=True, slots=True)
class Step:
    """One revision; its statements run one a call, in order, in one transaction."""

    revision: str
    statements: tuple[str, ...]


class _Statements(StringIO):
    """alembic writes each statement with one call; they are kept apart without parsing any SQL."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def write(self, text: str, /) -> int:
        self.found.append(text.strip().removesuffix(";"))
        return len(text)


def steps(environment: Environment) -> tuple[Step, ...]:
    """Every revision of ``environment``, the first one first. Contacts no database."""
    scripts = environment.scripts()
    found = [_step(script) for script in scripts.walk_revisions()]
    return tuple(reversed(found))


def _step(script: Script) -> Step:
    buffer = _Statements()
    context = MigrationContext.configure(
        # Its parameter style leaves a percent sign in a check or a default as it is.
        dialect=PGDialect_asyncpg(),  # type: ignore[no-untyped-call]
        opts={"as_sql": True, "output_buffer": buffer, "literal_binds": True},
    )
    with Operations.context(context):
        script.module.upgrade()
    return Step(script.revision, tuple(buffer.found))
