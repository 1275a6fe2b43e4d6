"""Whatever edits are accepted, the questions of a version stay a tree of headings and what stands under them."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.i18n import translate
from kedang_tenants.catalogue import InvalidValue
from kedang_tenants.surveys.items import Place, faults_of, in_both, misplaced
from kedang_tenants.surveys.kinds import OffersKind
from kedang_tenants.surveys.models import LEVELS, POINTS
from kedang_tenants.surveys.template_texts import TEXTS

IDS = [UUID(int=n) for n in range(1, 7)]
VERSIONS = [UUID(int=n) for n in range(91, 93)]
PLACES = st.builds(
    Place,
    id=st.sampled_from(IDS),
    version_id=st.sampled_from(VERSIONS),
    parent_id=st.none() | st.sampled_from(IDS),
    kind=st.sampled_from(["GROUP", "LEVEL", "TEXT"]),
    archived=st.booleans(),
)


@pytest.mark.requirement("V1")
@given(st.lists(PLACES, max_size=25))
def test_no_sequence_of_accepted_edits_breaks_the_tree(edits):
    places: dict[UUID, Place] = {}
    for edit in edits:
        # A question never moves to another version.
        known = places.get(edit.id)
        tried = replace(edit, version_id=known.version_id) if known else edit
        after = {**places, tried.id: tried}
        if misplaced(tried, after) is None:
            places = after
        for place in places.values():
            if place.parent_id is None or place.archived:
                continue
            parent = places[place.parent_id]
            assert (parent.kind, parent.parent_id, parent.archived) == ("GROUP", None, False)
            assert parent.version_id == place.version_id
            assert place.kind != "GROUP"


@pytest.mark.requirement("V1")
@given(
    st.lists(
        st.fixed_dictionaries(
            {"code": st.from_regex(r"[A-Z][A-Z0-9_]{0,39}", fullmatch=True)},
            optional={"label": st.just({"en": "One", "zh": "一"})},
        ),
        max_size=5,
    )
)
def test_offers_are_kept_as_they_are_or_refused(offers):
    whole = all("label" in offer for offer in offers)
    once = len({offer["code"] for offer in offers}) == len(offers)
    try:
        kept = OffersKind().check(offers)
    except InvalidValue:
        assert not (whole and once)
    else:
        assert whole
        assert once
        assert kept == (offers or None)


@pytest.mark.requirement("V1", "V2")
def test_every_template_can_be_published_as_it_is():
    for template in TEXTS.values():
        items = []
        for question in template.questions:
            for each, parent in ((question, None), *((part, question.key) for part in question.parts)):
                items.append(
                    {
                        "id": each.key,
                        "parent_id": parent,
                        "kind": each.kind,
                        "label": each.label.stored,
                        "help": each.help.stored if each.help else None,
                        "options": None,
                    }
                )
        assert list(faults_of(items, ("input",))) == []
        assert all(in_both(text.stored) for text in (template.name, template.introduction, template.thanks))


@pytest.mark.requirement("V1")
def test_the_five_levels_count_from_five_down_to_one_and_are_said_in_our_languages():
    assert POINTS == {
        "VERY_SATISFIED": 5,
        "FAIRLY_SATISFIED": 4,
        "BASICALLY_SATISFIED": 3,
        "NOT_VERY_SATISFIED": 2,
        "NOT_SATISFIED": 1,
    }
    said = {
        language: [translate(option.label, language) for option in LEVELS] for language in ("en", "zh-CN")
    }
    assert said == {
        "en": [
            "Very satisfied",
            "Fairly satisfied",
            "Basically satisfied",
            "Not very satisfied",
            "Not satisfied",
        ],
        "zh-CN": ["非常满意", "比较满意", "基本满意", "不太满意", "不满意"],
    }
