"""The three things that are migrated: the schemas ``platform`` and ``work``, and every company's schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData


@dataclass(frozen=True, slots=True)
class Environment:
    """One sequence of revisions and the metadata it leads to."""

    name: str
    load_metadata: Callable[[], MetaData]
    folder: Path

    @property
    def of_companies(self) -> bool:
        """Whether it is applied to every company's schema, its tables then bearing no schema's name."""
        return self.name == "tenant"

    def scripts(self) -> ScriptDirectory:
        config = Config()
        config.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        return ScriptDirectory.from_config(config)

    def head(self) -> str:
        """The latest revision; empty when there is none yet."""
        return self.scripts().get_current_head() or ""


def _platform() -> MetaData:
    from kedang_platform.database import tables

    return tables.platform_metadata


def _work() -> MetaData:
    from kedang_platform.database import tables

    return tables.work_metadata


def _tenant() -> MetaData:
    from kedang_tenants import records
    from kedang_tenants.catalogue import Base

    assert records  # imported for what it adds to the metadata
    return Base.metadata


_HERE = Path(__file__).parent
PLATFORM = Environment("platform", _platform, _HERE / "platform")
WORK = Environment("work", _work, _HERE / "work")
TENANT = Environment("tenant", _tenant, _HERE / "tenant")
ENVIRONMENTS = {environment.name: environment for environment in (PLATFORM, WORK, TENANT)}
