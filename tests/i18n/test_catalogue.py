"""Everything that the product says is said in Chinese too, and the catalogue holds nothing else."""

import re
from string import Formatter

import pytest

from kedang_platform.i18n import LANGUAGES, catalogue, translate
from kedang_tenants.catalogue import ChoiceKind, ChoicesKind
from kedang_tenants.catalogue import catalogue as records
from tests.support import messages

pytestmark = pytest.mark.requirement("T6")

HAN = re.compile(r"[\u4e00-\u9fff]")
# Western marks beside Chinese characters: Chinese has its own.
WESTERN_MARK = re.compile(r"[\u4e00-\u9fff”][,;:?!]|[,;:?!][\u4e00-\u9fff“]|[\u4e00-\u9fff]\.(?!\w)|\.\.\.")
WITHOUT_WORDS = {
    "{number} %",
    "{side}: {customer} – {why}",
    "{subject} ({customer})",
    "{way}: {customer}",
    "{measure}: {value}.",
    ", ",
    "  GraphiQL       {url}",
    "{label}:",
    "{label}: ",
    "{what}: {purpose}",
    "{customer}: {reason}",
    "{member} – {line}",
    "{subject}: {remark}",
    "{question}: {answer}",
    "{said} - {more}",
    "{way} with {contact}",
    "  {quantity} x {text}: {net}",
    'DROP SCHEMA "{schema}" CASCADE; DROP ROLE "{schema}"',
    "chmod 600 {file}",
    "{name} ({id}): {status}",
}
TERMS = {
    "Customer": "客户",
    "Contact": "联系人",
    "Grade": "客户等级",
    "Follow-up plan": "跟进计划",
    "Follow-up record": "跟进记录",
    "Owner": "负责人",
    "Order": "订单",
    "Delivery": "发货",
    "Seat": "席位",
    "Company": "企业",
    "Notice": "提醒",
    "Archive keeper": "档案管理员",
    "Account manager": "客户经理",
    "Directory": "客户名单",
}


def placeholders(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_every_text_is_translated_and_the_catalogue_holds_no_other():
    known = messages.translations(messages.stored())
    assert sorted(messages.texts() - known.keys()) == [], "run `make messages`, then translate"
    assert sorted(known.keys() - messages.texts()) == [], "run `make messages`"
    assert [text for text, told in known.items() if not told.strip()] == []


def test_the_catalogue_is_as_it_would_be_written():
    text = messages.CATALOGUE.read_text(encoding="utf-8")
    assert text == messages.document(messages.translations(messages.stored()), messages.texts())
    assert "fuzzy" not in text
    assert "#~" not in text
    assert "#:" not in text  # places would change with every line moved
    assert "@" not in text


@pytest.mark.parametrize(("english", "chinese"), TERMS.items())
def test_the_terms_are_those_that_users_know(english, chinese):
    assert translate(english, "zh-CN") == chinese


def test_translations_fill_the_same_placeholders_and_are_chinese():
    for english, chinese in catalogue("zh-CN").items():
        assert placeholders(chinese) == placeholders(english), english
        assert HAN.search(chinese) or english in WITHOUT_WORDS, english
        assert WESTERN_MARK.search(chinese.replace("\n", " ")) is None, chinese
        assert len(chinese) - len(chinese.lstrip()) == len(english) - len(english.lstrip()), english
        assert chinese.endswith("\n") == english.endswith("\n"), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_side_by_side_is_told_apart(language):
    for record in records():
        labels = [translate(field.spec.label, language) for field in record.visible_fields]
        assert sorted(labels) == sorted(set(labels)), record.name
        for field in record.visible_fields:
            if isinstance(field.kind, ChoiceKind | ChoicesKind):
                options = [translate(option.label, language) for option in field.kind.options]
                assert sorted(options) == sorted(set(options)), (record.name, field.name)


def test_a_text_that_no_catalogue_knows_is_told_in_english():
    assert translate("{count} unknown things", "zh-CN", {"count": 3}) == "3 unknown things"
    assert translate("Customer", "en") == "Customer"
    assert translate("Customer", "xx") == "Customer"


def test_what_people_typed_is_filled_in_as_it_is():
    told = translate("There is no field “{field}”.", "zh-CN", {"field": "{name} 客户"})
    assert told == "没有“{name} 客户”这个字段。"
