"""The default roles; a company renames them, their codes stay."""

from __future__ import annotations

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Option

ROLES: tuple[Option, ...] = (
    Option("OWNER", msg("Company owner")),
    Option("ADMIN", msg("Administrator")),
    Option("GENERAL_MANAGER", msg("General manager")),
    Option("DEPARTMENT_MANAGER", msg("Department manager")),
    Option("REPRESENTATIVE", msg("Sales representative")),
    Option("ACCOUNT_MANAGER", msg("Account manager")),
    Option("SERVICE_AGENT", msg("Service agent")),
    Option("FINANCE", msg("Finance")),
    Option("ARCHIVE_KEEPER", msg("Archive keeper")),
    Option("MARKETER", msg("Marketer")),
    Option("VIEW_ONLY", msg("View only")),
)
