"""A company's own words for its mails: ours are the placeholders, theirs is the rest, and nothing of it is code (T10)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Refused
from kedang_platform.mail import render
from kedang_tenants.correspondence import letter_from_template, load_templates
from kedang_tenants.correspondence.template_kinds import (
    SURVEY_INVITATION,
    TEMPLATE_KINDS,
    UnknownMailKind,
    Words,
)
from kedang_tenants.correspondence.templates import Templates, faults_of

INVITATION = TEMPLATE_KINDS[SURVEY_INVITATION]
GOOD = {
    "kind": SURVEY_INVITATION,
    "language": "EN",
    "subject": "{company} would like to know",
    "body": "Dear {name},\nhow was it?\n\n{link}\nUntil {day}.",
    "button": "Tell us",
}
VALUES = {
    "name": "Maria",
    "company": "Northwind",
    "customer": "Alfreds",
    "occasion": "how was it?",
    "day": "2027-03-31",
    "link": "https://kedang.example/s/abc?x=1&y=2",
}


async def letter(shop, language="en", values=VALUES, kind=SURVEY_INVITATION):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        templates = await load_templates(read, kind)
    return render(letter_from_template(templates, language=language, values=values), language=language)


@pytest.mark.requirement("T10")
async def test_without_words_of_its_own_a_company_uses_the_product_s(shop):
    mail = await letter(shop)
    assert mail.subject == "Northwind asks for your opinion"
    assert mail.text.splitlines()[:9] == [
        "Hello Maria,",
        "",
        "how was it?",
        "",
        "It takes a few minutes, and every comment is read.",
        "",
        "Give your opinion:",
        VALUES["link"],
        "",
    ]
    assert 'href="https://kedang.example/s/abc?x=1&amp;y=2"' in mail.html
    nobody = await letter(shop, values=VALUES | {"name": "", "occasion": None})
    assert nobody.text.splitlines()[:3] == [
        "Hello,",
        "",
        "It takes a few minutes, and every comment is read.",
    ]


@pytest.mark.requirement("T10")
async def test_its_own_words_stand_in_text_and_html_in_their_language_only(shop):
    await shop.create("mail_template", **GOOD)
    mail = await letter(shop)
    assert mail.subject == "Northwind would like to know"
    assert mail.text.startswith(
        f"Dear Maria,\n\nhow was it?\n\nTell us:\n{VALUES['link']}\n\nUntil 2027-03-31.\n\n----"
    )
    for line in ("<p>Dear Maria,</p>", "<p>how was it?</p>", "<p>Until 2027-03-31.</p>", ">Tell us</a>"):
        assert line in mail.html
    assert (await letter(shop, "zh-CN")).subject != mail.subject


async def test_an_archived_template_gives_way_to_the_product_s_words(shop):
    made = await shop.create("mail_template", **GOOD | {"button": None})
    assert "Give your opinion:" in (await letter(shop)).text
    await shop.archive("mail_template", made)
    assert (await letter(shop)).subject == "Northwind asks for your opinion"


@pytest.mark.requirement("T10")
async def test_nothing_that_somebody_writes_is_code_or_read_for_placeholders_again(shop):
    nasty = "<b onclick=x>&amp; {day} {0.__class__} %s {company"
    await shop.create("mail_template", **GOOD | {"body": "<script>alert(1)</script> {name}\n{link}"})
    mail = await letter(shop, values=VALUES | {"name": nasty, "company": "A\r\nBcc: all@x.example"})
    assert "<script>" not in mail.html
    assert "<b onclick" not in mail.html
    assert f"<script>alert(1)</script> {nasty}" in mail.text
    assert mail.subject == "A Bcc: all@x.example would like to know"


@pytest.mark.requirement("T10")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"subject": "{compny}"}, [("subject", "UNKNOWN_PLACEHOLDER")]),
        ({"subject": "{link}"}, [("subject", "UNKNOWN_PLACEHOLDER")]),
        ({"button": "{0}"}, [("button", "UNKNOWN_PLACEHOLDER")]),
        ({"body": "Hello"}, [("body", "MISSING_PLACEHOLDER")]),
        ({"body": "{link}\n{name.__class__}"}, [("body", "UNKNOWN_PLACEHOLDER")]),
        ({"body": "Click {link} now"}, [("body", "LINK_NOT_ALONE")]),
        ({"body": "{link}\n{link}"}, [("body", "LINK_NOT_ALONE")]),
        ({"body": "{link}\n{ {name}"}, [("body", "STRAY_BRACE")]),
        ({"body": "{link}\n{{name}}"}, [("body", "STRAY_BRACE")]),
        ({"subject": "x" * 151}, [("subject", "TOO_LONG")]),
        (
            {"body": "{link}\n" + "x" * 10_000, "button": "x" * 41},
            [("body", "TOO_LONG"), ("button", "TOO_LONG")],
        ),
        ({"kind": "newsletter"}, [("kind", "UNKNOWN_MAIL_KIND")]),
    ],
)
async def test_words_that_make_no_letter_are_refused(shop, values, expected):
    with pytest.raises(Refused) as refused:
        await shop.create("mail_template", **GOOD | values)
    assert [(error.path[-1], error.code) for error in refused.value.errors] == expected
    assert await shop.value("SELECT count(*) FROM mail_template") == 0


async def test_a_good_template_cannot_be_changed_to_a_bad_one(shop):
    made = await shop.create("mail_template", **GOOD)
    with pytest.raises(Refused):
        await shop.update("mail_template", made, body="no link")
    with pytest.raises(Refused):
        await shop.create("mail_template", **GOOD)
    assert await shop.fetch("SELECT body FROM mail_template") == [{"body": GOOD["body"]}]


async def test_there_are_no_words_for_what_is_no_mail(shop):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        with pytest.raises(UnknownMailKind):
            await load_templates(read, "newsletter")


@pytest.mark.parametrize("kind", TEMPLATE_KINDS.values(), ids=lambda kind: kind.code)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_product_s_own_words_are_good(kind, language):
    assert faults_of(kind, kind.words(language), ()) == []
    letter = letter_from_template(Templates(kind, {}), language=language, values=kind.samples(language))
    mail = render(letter, language=language)
    assert "{" not in mail.subject + mail.text


@settings(max_examples=80, deadline=None)
@given(body=st.text(alphabet="{}ab \nlink<>&", max_size=60), name=st.text(max_size=30))
def test_whatever_passes_the_check_makes_a_letter_without_braces_of_ours(body, name):
    words = Words("S", body + "\n{link}", "B")
    if faults_of(INVITATION, words, ()):
        return
    letter = letter_from_template(
        Templates(INVITATION, {"en": words}), language="en", values=VALUES | {"name": name}
    )
    mail = render(letter, language="en")
    assert mail.text.count(VALUES["link"]) == 1
    assert "{link}" not in mail.text
