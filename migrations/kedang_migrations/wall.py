"""What each role may do: the rights on the shared schemas and on a company's schema."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from kedang_platform.database import Roles
from kedang_platform.database.company import checked_schema
from kedang_platform.work.tables import GRANTS, POLICIES, SHARED_ROLE_POLICY

APPEND_ONLY: Final = ("audit", "audit_seal")


def schema_statements(schema: str, *, roles: Roles, as_role: bool) -> Iterator[str]:
    """Make an empty schema and, where companies have roles, the role that bears the same name."""
    name = f'"{checked_schema(schema)}"'
    if as_role:
        yield f"CREATE ROLE {name} NOLOGIN INHERIT"
        yield f"GRANT {name} TO {roles.app}"
        yield f"GRANT {roles.tenant} TO {name}"
    yield f"CREATE SCHEMA {name}"
    yield f"GRANT USAGE ON SCHEMA {name} TO {_user(schema, roles=roles, as_role=as_role)}"


def table_grants(schema: str, *, roles: Roles, as_role: bool) -> Iterator[str]:
    """Let the company's role read and write every table of its schema, and change none of them.

    What it has noted it can neither change nor take away: to ``APPEND_ONLY`` it only adds.
    """
    name, user = f'"{checked_schema(schema)}"', _user(schema, roles=roles, as_role=as_role)
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name} TO {user}"
    for table in APPEND_ONLY:
        yield (
            f"DO $$ BEGIN IF to_regclass('{name}.{table}') IS NOT NULL THEN"
            f" REVOKE UPDATE, DELETE, TRUNCATE ON {name}.{table} FROM {user}; END IF; END $$"
        )
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {name} TO {user}"


def job_statements(*, roles: Roles, as_role: bool) -> Iterator[str]:
    """Let companies reach their own jobs and nobody else's."""
    names = {
        "control": roles.control,
        "app": roles.app,
        "tenants": roles.tenant if as_role else roles.app,
    }
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA work FROM {roles.tenant}, {roles.app}"
    policies = POLICIES if as_role else (*_without_company_policy(), SHARED_ROLE_POLICY)
    for statement in (*GRANTS, *policies):
        yield statement.format_map(names)


def fingerprint(*, roles: Roles, as_role: bool) -> str:
    """Changes when ``job_statements`` do, so that they are applied again."""
    text = "\n".join(job_statements(roles=roles, as_role=as_role))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_company_policy() -> Iterator[str]:
    return (policy for policy in POLICIES if "{tenants}" not in policy)


def _user(schema: str, *, roles: Roles, as_role: bool) -> str:
    return f'"{checked_schema(schema)}"' if as_role else roles.app
