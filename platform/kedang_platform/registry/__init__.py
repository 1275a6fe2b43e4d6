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
from kedang_platform.registry.deletions import (
    DELETE_DUE,
    CompanyNotDeleting,
    Deletion,
    ask_to_delete,
    due_deletions,
    find_deletion,
    hurry,
    take_back,
)
from kedang_platform.registry.overview import CompanyAmbiguous, CompanyOverview, list_companies, overview_of
from kedang_platform.registry.spares import KEEP_SPARES, NoSpareSchema, claim_schema, count_spares

__all__ = [
    "DELETE_DUE",
    "KEEP_SPARES",
    "Company",
    "CompanyAmbiguous",
    "CompanyInactive",
    "CompanyNotDeleting",
    "CompanyOverview",
    "CompanyStatus",
    "CompanySuspended",
    "Deletion",
    "NewCompany",
    "NoSpareSchema",
    "active_companies",
    "ask_to_delete",
    "claim_schema",
    "count_spares",
    "due_deletions",
    "ensure_usable",
    "find_company",
    "find_company_by_handle",
    "find_deletion",
    "hurry",
    "list_companies",
    "overview_of",
    "recurring_companies",
    "set_status",
    "take_back",
]
