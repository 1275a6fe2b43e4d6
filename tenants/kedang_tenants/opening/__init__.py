"""How a company comes to be: signed up, confirmed by mail, opened in a schema that was kept ready."""

from kedang_tenants.opening.confirming import OPEN_JOB, confirm_email, finish_opening
from kedang_tenants.opening.further import TooManyCompanies, open_further
from kedang_tenants.opening.places import (
    CountryUnknown,
    CurrencyUnknown,
    LanguageUnknown,
    countries,
    currencies,
)
from kedang_tenants.opening.signing_up import SignUp, sign_up

__all__ = [
    "OPEN_JOB",
    "CountryUnknown",
    "CurrencyUnknown",
    "LanguageUnknown",
    "SignUp",
    "TooManyCompanies",
    "confirm_email",
    "countries",
    "currencies",
    "finish_opening",
    "open_further",
    "sign_up",
]
