"""Files of Chinese users: columns and choices are known by their Chinese names."""

import pytest

from kedang_tenants.catalogue import catalogue
from kedang_tenants.imports.targets import propose_mapping
from tests.support.members import make_member, viewer_of

pytestmark = pytest.mark.requirement("T6", "A9")


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        (
            "customer",
            {
                "客户编号": "number",
                "名称": "name",
                "客户名单": "directory",
                "负责人": "owner",
                "统一社会信用代码": "creditCode",
                "国家/地区": "country",
                "电话": "phone",
                "邮政编码": "postalCode",
                "备注": "note",
            },
        ),
        (
            "contact",
            {
                "客户": "customer",
                "姓名": "name",
                "职务": "title",
                "电子邮件": "email",
                "主要联系人": "primary",
            },
        ),
        (
            "order",
            {"订单编号": "number", "客户": "customer", "下单日期": "orderedOn", "要求到货日期": "requiredOn"},
        ),
        (
            "order_line",
            {
                "序号": "position",
                "产品": "product",
                "数量": "quantity",
                "单价": "unitPrice",
                "折扣率": "discount",
            },
        ),
        ("follow_up_record", {"跟进时间": "at", "跟进方式": "way", "跟进人": "member", "内容": "content"}),
    ],
)
async def test_columns_are_known_by_their_chinese_names(databases, company, record, columns):
    viewer = await viewer_of(databases, await make_member(databases, company, "OWNER"))
    assert propose_mapping(viewer, catalogue().record(record), list(columns)) == columns


def test_choices_are_read_in_both_languages():
    way = catalogue().record("follow_up_record").fields["way"].kind
    assert [way.read_text(text) for text in ("拜访", "visit", "VISIT", " 电话 ")] == ["VISIT"] * 3 + ["CALL"]
    roles = catalogue().record("customer").fields["roles"].kind
    assert roles.read_text("供应商、经销商") == ["DEALER", "SUPPLIER"]
