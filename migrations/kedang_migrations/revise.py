"""Writes a revision from what the models say: ``python -m kedang_migrations.revise tenant "customer.city"``."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy.types import TypeDecorator

from kedang_migrations.environments import ENVIRONMENTS, TENANT, Environment
from kedang_migrations.scratch import apply_revisions, compare, scratch_database
from kedang_platform import embedded
from kedang_platform.settings import Settings

_REVISION_FILE = re.compile(r'^REVISION = ".*"$', re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kedang_migrations.revise", description=__doc__)
    parser.add_argument("environment", choices=sorted(ENVIRONMENTS))
    parser.add_argument("message")
    parser.add_argument(
        "--rewrite-first",
        action="store_true",
        help="make revision 0001 anew from nothing; only while nothing has been released",
    )
    arguments = parser.parse_args()
    environment = ENVIRONMENTS[arguments.environment]
    with _server() as superuser_url:
        path = asyncio.run(
            revise(
                environment,
                arguments.message,
                superuser_url=superuser_url,
                rewrite_first=arguments.rewrite_first,
            )
        )
    sys.stdout.write(f"{path or 'The revisions already make what the models say.'}\n")


async def revise(
    environment: Environment, message: str, *, superuser_url: str, rewrite_first: bool
) -> Path | None:
    """Write the next revision, or 0001 again; returns its file, or None when nothing differs."""
    async with scratch_database(superuser_url) as url:
        if not rewrite_first:
            await apply_revisions(url, environment)
        upgrade, imports = await compare(url, environment, _upgrade)
    if upgrade.strip() == "pass":
        return None
    if rewrite_first:
        for file in (environment.folder / "versions").glob("[0-9]*.py"):
            file.unlink()
    return _write(environment, message, upgrade, imports)


def _upgrade(context: MigrationContext) -> tuple[str, list[str]]:
    script = produce_migrations(context, context.opts["target_metadata"])
    assert script.upgrade_ops is not None
    code = render_python_code(script.upgrade_ops, render_item=_render_item, migration_context=context)
    lines = [line for line in code.splitlines() if not line.lstrip().startswith("# ###")]
    text = "\n".join(lines).strip()
    return text, ["from sqlalchemy.dialects import postgresql"] if "postgresql." in text else []


def _render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """A type of ours stands in a revision as the column type it is stored in: revisions outlive our types."""
    if kind == "type" and isinstance(item, TypeDecorator):
        text = repr(item.impl_instance)
        return text if text.startswith("sa.") else f"sa.{text}"
    return False


def _write(environment: Environment, message: str, upgrade: str, imports: list[str]) -> Path:
    scripts = environment.scripts()
    number = int(scripts.get_current_head() or 0) + 1
    script = scripts.generate_revision(
        f"{number:04d}", message, upgrades=upgrade, imports="\n".join(imports), refresh=True
    )
    assert script is not None
    path = Path(script.path)
    for command in (["check", "--fix", "--quiet", "--exit-zero"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(path)], check=True)  # noqa: S603 - our tool, our file
    if environment is TENANT:  # not a test's stand-in
        _note_tenant_revision(f"{number:04d}")
    return path


def _note_tenant_revision(revision: str) -> None:
    """The code that is written from now on needs this revision: ``kedang_tenants.revision`` says so."""
    from kedang_tenants import revision as module

    path = Path(module.__file__)
    path.write_text(_REVISION_FILE.sub(f'REVISION = "{revision}"', path.read_text()))


@contextmanager
def _server() -> Iterator[str]:
    """A superuser's address: the servers of ``KEDANG_DATABASE_URL``, else embedded ones of a moment."""
    if given := os.environ.get("KEDANG_DATABASE_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="kedang-revise-") as folder:
        Path(folder).chmod(0o711)
        settings = Settings(
            var=Path(folder), postgres_port=embedded.free_port(), valkey_port=embedded.free_port()
        )
        servers = embedded.start(settings, fsync=False)
        try:
            yield servers.database_url
        finally:
            servers.stop()


if __name__ == "__main__":
    main()
