"""What a mail says: two languages, text and HTML, and nothing that a name could smuggle in."""

from kedang_platform.mail import Letter, Line, render

LETTER = Letter(
    subject="{inviter} invites you to {company}",
    paragraphs=("Hello {name},",),
    params={"inviter": "Mallory\r\nBcc: all@x.example", "company": "<b>R&D</b>", "name": "李伟"},
    action="Accept the invitation",
    url="https://crm.example/invitation?token=a&b=c",
    lines=(Line("Around the Horn", "https://crm.example/c/1"), Line("Plain <i>text</i>")),
    closing=("The link works once and expires after 14 days.",),
)


def test_a_letter_is_rendered_as_text():
    assert render(LETTER, language="en").text == (
        "Hello 李伟,\n\n"
        "- Around the Horn\n  https://crm.example/c/1\n- Plain <i>text</i>\n\n"
        "Accept the invitation:\nhttps://crm.example/invitation?token=a&b=c\n\n"
        "The link works once and expires after 14 days.\n\n"
        "----------------------------------------\n\n"
        "Kedang, customer archives\n"
    )


def test_what_people_typed_is_neither_markup_nor_a_header():
    rendered = render(LETTER, language="en")
    assert rendered.subject == "Mallory Bcc: all@x.example invites you to <b>R&D</b>"
    assert "<b>" not in rendered.html
    assert (
        "<title>Mallory Bcc: all@x.example invites you to &lt;b&gt;R&amp;D&lt;/b&gt;</title>" in rendered.html
    )
    assert 'href="https://crm.example/invitation?token=a&amp;b=c"' in rendered.html
    assert "Plain &lt;i&gt;text&lt;/i&gt;" in rendered.html
    assert '<html lang="en">' in rendered.html


def test_braces_in_what_people_typed_are_not_placeholders():
    letter = Letter(subject="x", paragraphs=("Hello {name},",), params={"name": "{name.__class__}"})
    assert render(letter, language="en").text.startswith("Hello {name.__class__},\n")
