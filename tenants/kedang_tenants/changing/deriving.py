"""Columns that follow from others: search tokens, people's order, the international form of a number."""

from __future__ import annotations

from kedang_platform.phones import read_phone
from kedang_platform.search_text import name_sort, normal_form, tokens
from kedang_tenants.changing.drafts import Draft
from kedang_tenants.reading import Viewer


def derive(viewer: Viewer, draft: Draft) -> None:
    """Set every derived column whose source the draft sets."""
    for field in draft.record.fields.values():
        if field.name not in draft.values:
            continue
        if field.spec.sort_key is not None:
            draft.values[field.spec.sort_key] = name_sort(str(draft.values[field.name] or ""))
        if field.spec.derives is not None:
            _derive_phone(viewer, draft, field.name, field.spec.derives)
    if draft.record.searchable and _search_sources(draft) & draft.values.keys():
        text = normal_form(
            " ".join(str(draft.now(name)) for name in sorted(_search_sources(draft)) if draft.now(name))
        )
        draft.values["search_text"] = text
        draft.values["search_tokens"] = tokens(text)


def _search_sources(draft: Draft) -> set[str]:
    return {name for name, field in draft.record.fields.items() if field.spec.search}


def _derive_phone(viewer: Viewer, draft: Draft, source: str, prefix: str) -> None:
    text = draft.values[source]
    country = str(draft.now("country") or viewer.country)
    phone = read_phone(str(text), country) if text else None
    draft.values[f"{prefix}_e164"] = phone.e164 if phone else None
    draft.values[f"{prefix}_reversed"] = phone.digits_reversed if phone else None
