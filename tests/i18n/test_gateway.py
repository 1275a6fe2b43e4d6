"""What an API client is told in Chinese: refusals of changes, of readers, of requests that are too large."""

import pytest

from kedang_graphql.engine.limits import DEEPEST, MOST_ALIASES, MOST_MUTATIONS
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("T6", "I1")

CREATE = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { record { id } userErrors { path message code } }
}"""
UPDATE = """
mutation ($id: ID!) { updateCustomer(input: {id: $id, name: "X"}) { record { id } userErrors { message code } } }"""
SIGN_UP = "mutation ($input: SignUpInput!) { signUp(input: $input) { accepted userErrors { message code } } }"
NOBODY = "cus_" + "0" * 32


@pytest.fixture
def told(gateway, company):
    """Asks as a member with a role, in Chinese."""

    async def asking(*roles, **options):
        databases = gateway.services.databases
        member = await make_member(databases, company, *roles)
        key = await make_key(databases, member, key=gateway.services.identity.key, **options)
        return gateway.client(key, language="zh-CN")

    return asking


def only_message(answer):
    (error,) = answer.errors
    return error["message"]


async def test_a_refused_create_says_what_is_wrong_with_each_field(told):
    ask = await told("OWNER")
    wrong = {
        "name": " ",
        "email": "nowhere",
        "country": "XX",
        "industry": "长" * 101,
        "employees": -1,
        "customFields": {"size": 3},
    }
    refused = (await ask(CREATE, {"input": wrong})).data["createCustomer"]
    assert refused["record"] is None
    assert {error["path"][-1]: (error["code"], error["message"]) for error in refused["userErrors"]} == {
        "name": ("REQUIRED", "此项必填。"),
        "email": ("INVALID_EMAIL", "这不是有效的邮箱地址。"),
        "country": ("UNKNOWN_VALUE", "“XX”不是有效的国家或地区。"),
        "industry": ("TOO_LONG", "此处最多填写 100 个字符。"),
        "employees": ("OUT_OF_RANGE", "此处应在 0 到 10000000 之间。"),
        "size": ("UNKNOWN_FIELD", "没有“size”这个字段。"),
    }
    assert (await ask("{ customers { totalCount } }")).data == {"customers": {"totalCount": 0}}


async def test_what_is_taken_is_named(told):
    ask = await told("OWNER")
    assert (await ask(CREATE, {"input": {"name": "三木", "number": "K-1"}})).data["createCustomer"]["record"]
    refused = (await ask(CREATE, {"input": {"name": "森林", "number": "K-1"}})).data["createCustomer"]
    assert [(error["code"], error["message"]) for error in refused["userErrors"]] == [
        ("ALREADY_EXISTS", "“K-1”已被使用。")
    ]


async def test_what_is_not_there_and_what_is_not_allowed(told):
    ask = await told("OWNER")
    (error,) = (await ask(UPDATE, {"id": NOBODY})).data["updateCustomer"]["userErrors"]
    assert error == {"code": "NOT_FOUND", "message": "该记录不存在。"}
    viewer = await told("VIEW_ONLY")
    (error,) = (await viewer(CREATE, {"input": {"name": "X"}})).data["createCustomer"]["userErrors"]
    assert (error["code"], error["message"]) == ("FORBIDDEN", "您无权执行此操作。")
    assert (await ask("{ customers { totalCount } }")).data == {"customers": {"totalCount": 0}}


async def test_keys_that_are_missing_or_too_narrow(told, gateway):
    answer = await gateway.client(language="zh-CN,zh;q=0.9,en;q=0.8")("{ customers { totalCount } }")
    assert answer.codes == ["UNAUTHENTICATED"]
    assert only_message(answer) == "请先登录，或提供 API 密钥。"
    reader = await told("OWNER", scopes=("read",))
    answer = await reader(CREATE, {"input": {"name": "X"}})
    assert answer.codes == ["FORBIDDEN"]
    assert only_message(answer) == "此 API 密钥无权执行该操作：缺少“write”权限。"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "{ customers { nodes { " + "parent { " * DEEPEST + "id" + " }" * DEEPEST + " } } }",
            f"查询最多嵌套 {DEEPEST} 层。",
        ),
        (
            "{ " + " ".join(f"a{n}: __typename" for n in range(MOST_ALIASES + 1)) + " }",
            f"一次请求最多包含 {MOST_ALIASES} 个别名。",
        ),
        (
            "mutation { "
            + " ".join(
                f'a{n}: createTag(input: {{name: "{n}"}}) {{ record {{ id }} }}'
                for n in range(MOST_MUTATIONS + 1)
            )
            + " }",
            f"一次请求最多包含 {MOST_MUTATIONS} 个变更操作。",
        ),
        ("# " + "x" * 70_000, "查询文档最大 65536 字节。"),
        ("{ customers(first: 251) { nodes { id } } }", "每页的记录数应在 0 到 250 之间。"),
        ("{ customers(first: 1, last: 1) { nodes { id } } }", "first 与 last 只能选用一个。"),
        ("query A { __typename } query B { __typename }", "文档中有多个操作，请指定要执行的操作名称。"),
    ],
)
async def test_limits(told, query, message):
    assert only_message(await (await told("OWNER"))(query)) == message


async def test_the_language_of_the_request_counts_before_the_members(told, gateway, company):
    databases = gateway.services.databases
    member = await make_member(databases, company, "OWNER")
    key = await make_key(databases, member, key=gateway.services.identity.key)
    told_in = {}
    for header in (None, "zh-CN", "en;q=0.4,zh-TW;q=0.5", "fr", "fr,en;q=0.1"):
        (error,) = (await gateway.client(key, language=header)(UPDATE, {"id": NOBODY})).data[
            "updateCustomer"
        ]["userErrors"]
        told_in[header] = error["message"]
    assert told_in == {
        None: "There is no such record.",  # the member's own
        "zh-CN": "该记录不存在。",
        "en;q=0.4,zh-TW;q=0.5": "该记录不存在。",
        "fr": "There is no such record.",
        "fr,en;q=0.1": "There is no such record.",
    }
