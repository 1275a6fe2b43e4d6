"""Which companies there are, where each one's schema lies, and the schemas kept ready for new ones."""

from kedang_platform.registry.companies import (
    CompanyInactive,
    CompanySuspended,
    active_companies,
    ensure_usable,
    find_company,
    find_company_by_handle,
    recurring_companies,
    set_status,
)
from kedang_platform.registry.company import Company, CompanyStatus, NewCompany
from kedang_platform.registry.spares import KEEP_SPARES, NoSpareSchema, claim_schema, count_spares

__all__ = [
    "KEEP_SPARES",
    "Company",
    "CompanyInactive",
    "CompanyStatus",
    "CompanySuspended",
    "NewCompany",
    "NoSpareSchema",
    "active_companies",
    "claim_schema",
    "count_spares",
    "ensure_usable",
    "find_company",
    "find_company_by_handle",
    "recurring_companies",
    "set_status",
]
