"""References of bank transfers: misreadings show, spellings do not matter."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kedang_platform.licensing.references import new_reference, read_reference

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
references = st.builds(new_reference)


@given(references)
def test_a_reference_is_read_as_it_was_written(reference):
    assert len(reference) == 14
    assert not set(reference.replace("-", "")) & set("01OIL")
    assert read_reference(reference) == reference


@given(references, st.sampled_from(["{}", " {} ", "re: {}"[4:]]))
def test_spaces_hyphens_and_case_do_not_matter(reference, frame):
    plain = reference.replace("-", "")
    for spelling in (
        plain,
        plain.lower(),
        " ".join(plain),
        reference.replace("-", " "),
        f"{plain[:4]}/{plain[4:]}.",
    ):
        assert read_reference(frame.format(spelling)) == reference


@given(references, st.integers(2, 10), st.sampled_from(string.ascii_uppercase + string.digits))
def test_one_wrong_character_always_shows(reference, place, character):
    plain = reference.replace("-", "")
    assume(plain[place] != character)
    assert read_reference(plain[:place] + character + plain[place + 1 :]) is None


@given(references, st.integers(2, 10), st.integers(2, 10))
def test_two_swapped_characters_always_show(reference, one, other):
    plain = list(reference.replace("-", ""))
    assume(plain[one] != plain[other])
    plain[one], plain[other] = plain[other], plain[one]
    assert read_reference("".join(plain)) is None


@pytest.mark.parametrize(
    "text", ["", "KD", "KD-222-222", "2222222222222", "RF18539007547034", "ＫＤ２２２２２２２２２"]
)
def test_what_is_no_reference_is_none(text):
    assert read_reference(text) is None
