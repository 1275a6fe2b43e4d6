"""What is composed by hand is what a mail reader reads."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import SMTP
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kedang_platform.mail import Mail, Sender
from kedang_platform.mail.composing import compose
from kedang_platform.mail.senders import allowed_sender, written

INSTALLATION = "Kedang <no-reply@kedang.example>"

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=300)
lines = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def mail(**values: str) -> Mail:
    given = {
        "sender": "Kedang <no-reply@kedang.example>",
        "recipient": "li.wei@northwind.example",
        "subject": "Hello",
        "text": "Hello\n",
        "html": "<p>Hello</p>",
    }
    return Mail(
        **given | values,
        language="zh-CN",
        message_id="<0123456789abcdef@kedang.example>",
        created_at=datetime(2026, 3, 2, 1, 0, tzinfo=UTC),
    )


def read(content: bytes):
    return message_from_bytes(content, policy=SMTP)


def body(message, kind):
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


@given(subject=lines, text=texts, html=texts)
@example(subject="客户满意度调查" * 20, text=".\n..\n", html="")
@example(subject="=?utf-8?q?a?=", text="", html="\n")
@example(subject="a" * 60 + "é" * 40, text="--=_0123456789abcdef--\n", html="x" * 2_000)
def test_everything_arrives_as_it_was_written(subject, text, html):
    content = compose(mail(subject=subject, text=text, html=html))
    message = read(content)
    assert message.defects == []
    assert message["Subject"].split() == subject.split()
    assert "".join(message["Subject"].split()) == "".join(subject.split())
    assert body(message, "plain") == text
    assert body(message, "html") == html


@given(subject=lines, text=texts, html=texts)
def test_every_line_is_short_and_ascii_and_ends_with_crlf(subject, text, html):
    content = compose(mail(subject=subject, text=text, html=html))
    assert content.isascii()
    assert content.endswith(b"\r\n")
    for line in content.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= 78
        assert b"\r" not in line
        assert b"\n" not in line


def test_the_headers_are_those_of_a_machine():
    message = read(compose(mail()))
    assert dict(message.items()) == {
        "From": "Kedang <no-reply@kedang.example>",
        "To": "li.wei@northwind.example",
        "Subject": "Hello",
        "Date": "Mon, 02 Mar 2026 01:00:00 +0000",
        "Message-ID": "<0123456789abcdef@kedang.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "zh-CN",
        "MIME-Version": "1.0",
        "Content-Type": 'multipart/alternative; boundary="=_0123456789abcdef"',
    }


def test_the_same_mail_is_the_same_bytes():
    assert compose(mail(subject="客档")) == compose(mail(subject="客档"))


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("no-reply@kedang.example", ""),
        ("Kedang Archives <no-reply@kedang.example>", "Kedang Archives"),
        ('"Meyer, Söhne & Co." <no-reply@kedang.example>', "Meyer, Söhne & Co."),
        ('"Meyer, Sons & Co." <no-reply@kedang.example>', "Meyer, Sons & Co."),
        ('"The \\"best\\"" <no-reply@kedang.example>', 'The "best"'),
        ("北风贸易有限公司客户档案管理中心 <no-reply@kedang.example>", "北风贸易有限公司客户档案管理中心"),
        (f"{'Long Name ' * 9}<no-reply@kedang.example>", ("Long Name " * 9).strip()),
    ],
)
def test_the_sender_keeps_a_name_of_any_kind(sender, name):
    # Not by the newer parser of Python 3.11: it leaves a space between the words of a folded name.
    shown, address = parseaddr(message_from_bytes(compose(mail(sender=sender)))["From"])
    assert (str(make_header(decode_header(shown))), address) == (name, "no-reply@kedang.example")


names = st.text(st.sampled_from(" ,;:<>()[]@\"'\\\r\n\t.=?_公司Ab\x85\x01"), min_size=1, max_size=14)


@given(name=names, own=st.booleans())
@example(name="Boss <boss@bank.example>,\\ \\", own=False)
def test_no_name_of_a_company_becomes_an_address(name, own):
    by = Sender(name, from_address="ask@northwind.example" if own else None)
    stored = written(by, installation=INSTALLATION)
    message = read(compose(mail(sender=allowed_sender(stored, installation=INSTALLATION, domains=()))))
    (address,) = message["From"].addresses
    assert address.addr_spec == "no-reply@kedang.example"
    assert message.keys() == read(compose(mail())).keys()


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("recipient", ""),
        ("recipient", "nobody"),
        ("recipient", "李@x.example"),
        ("recipient", "a@b\r\nBcc: c@d"),
        ("recipient", "a b@x.example"),
        ("recipient", "a@x.example>"),
        ("sender", ""),
        ("sender", "nobody"),
        ("sender", "Kedang <李@x.example>"),
    ],
)
def test_what_is_no_address_is_not_written(field, address):
    with pytest.raises(ValueError, match="not an address"):
        compose(mail(**{field: address}))
