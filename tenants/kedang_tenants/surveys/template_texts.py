"""The three questionnaires that every company begins with (V2): what they ask, in Chinese and English.

These are texts of the company from its first day on, not of the product: they are stored with it in
both languages, and edited there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from kedang_tenants.surveys.models import (
    AFTER_SALE,
    AFTER_SERVICE,
    BY_HAND,
    DELIVERY_MADE,
    GROUP,
    LEVEL,
    NPS,
    ON_VISIT,
    REQUEST_CLOSED,
    TEXT,
)


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    en: str
    zh: str

    @property
    def stored(self) -> dict[str, str]:
        return {"en": self.en, "zh": self.zh}


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a template, or a heading (GROUP) over its ``parts``."""

    key: str
    kind: str
    label: Words
    parts: tuple[Question, ...] = ()
    help: Words | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A questionnaire as a company gets it: a draft that nobody is asked by before it is published."""

    code: str
    trigger: str
    name: Words
    introduction: Words
    thanks: Words
    questions: tuple[Question, ...]


def _group(key: str, en: str, zh: str, *parts: Question) -> Question:
    return Question(key, GROUP, Words(en, zh), parts)


def _level(key: str, en: str, zh: str) -> Question:
    return Question(key, LEVEL, Words(en, zh))


_INTRODUCTION: Final = Words(
    "Thank you for taking a few minutes. Please tell us how satisfied you are; leave out whatever does not"
    " concern you. Every comment is read.",
    "感谢您抽出几分钟时间。请告诉我们您的满意程度，与您无关的问题可以跳过。您的每一条意见我们都会认真阅读。",
)
_THANKS: Final = Words(
    "Thank you. Your answers go to the people in charge; if something went wrong, we will get in touch with you.",
    "感谢您的反馈。您的意见将转达给相关负责人；如有不满意之处，我们会尽快与您联系。",
)
_COMPARISON: Final = _group(
    "comparison",
    "Compared with others",
    "与同类产品比较",
    _level(
        "comparison_overall",
        "How satisfied are you with us, compared with other suppliers?",
        "与其他供应商相比，您对我们的满意程度如何？",
    ),
    Question(
        "comparison_others",
        TEXT,
        Words(
            "Which other products do you know or use, and what do they do better?",
            "您了解或使用过哪些同类产品？它们在哪些方面做得更好？",
        ),
    ),
)
_RECOMMENDATION: Final = Question(
    "recommendation",
    NPS,
    Words(
        "How likely are you to recommend us to a colleague or business friend?",
        "您有多大可能向同事或业务伙伴推荐我们？",
    ),
    help=Words("0 means not at all likely, 10 extremely likely.", "0 表示完全不可能，10 表示非常可能。"),
)
_SUGGESTIONS: Final = Question(
    "suggestions",
    TEXT,
    Words(
        "What should we do better? What would you wish for?", "您希望我们在哪些方面改进？有什么意见或建议？"
    ),
)

_AFTER_SALE: Final = Template(
    AFTER_SALE,
    DELIVERY_MADE,
    Words("After-sale survey", "售后满意度调查"),
    _INTRODUCTION,
    _THANKS,
    (
        _group(
            "price",
            "Price",
            "价格",
            _level("price_value", "Value for the price", "性价比"),
            _level("price_clarity", "Clarity of quotation and terms of payment", "报价与付款条件清晰明确"),
        ),
        _group(
            "performance",
            "Performance",
            "性能",
            _level("performance_function", "It does what you need it to do", "功能满足使用需要"),
            _level("performance_reliability", "Reliability in use", "使用中的稳定性和可靠性"),
            _level("performance_ease", "Ease of installation and use", "安装与使用的方便程度"),
        ),
        _group(
            "design",
            "Design",
            "设计",
            _level("design_practical", "Practical design", "设计实用合理"),
            _level("design_details", "Workmanship and details", "做工与细节"),
        ),
        _group(
            "appearance",
            "Appearance and packaging",
            "外观与包装",
            _level("appearance_looks", "Appearance", "外观"),
            _level("appearance_packaging", "Packaging, and protection on the way", "包装及运输保护"),
        ),
        _COMPARISON,
        _group(
            "service",
            "After-sale service",
            "售后服务",
            _level("service_speed", "Speed of our response", "响应速度"),
            _level("service_attitude", "Friendliness and helpfulness", "服务态度"),
            _level("service_result", "Whether problems were solved", "问题解决情况"),
        ),
        _RECOMMENDATION,
        _SUGGESTIONS,
    ),
)
_AFTER_SERVICE: Final = Template(
    AFTER_SERVICE,
    REQUEST_CLOSED,
    Words("After-service survey", "服务满意度调查"),
    _INTRODUCTION,
    _THANKS,
    (
        _group(
            "appointment",
            "Appointment",
            "预约时间",
            _level("appointment_choice", "A time that suited you", "预约时间方便您的安排"),
            _level("appointment_punctual", "We came, or called, when we had said so", "按约定时间到达或联系"),
        ),
        _group(
            "attitude",
            "Attitude",
            "服务态度",
            _level("attitude_courtesy", "Courtesy and patience", "礼貌与耐心"),
            _level("attitude_explaining", "What was done was explained clearly", "清楚说明处理情况"),
        ),
        _group(
            "ability",
            "Technical ability",
            "技术能力",
            _level("ability_diagnosis", "The cause was found quickly", "迅速找到问题原因"),
            _level("ability_solution", "The problem was solved for good", "问题得到彻底解决"),
            _level("ability_advice", "Advice on use and care", "使用与保养方面的指导"),
        ),
        _group(
            "matters",
            "Matters of the service",
            "服务事项",
            _level("matters_time", "Time it took in all", "处理所用的总时间"),
            _level("matters_costs", "Costs and parts were made clear beforehand", "事先说明费用与配件"),
            _level("matters_order", "The place was left in order", "服务结束后现场整洁"),
        ),
        _RECOMMENDATION,
        _SUGGESTIONS,
    ),
)
_ON_VISIT: Final = Template(
    ON_VISIT,
    BY_HAND,
    Words("Survey on a visit", "拜访满意度调查"),
    _INTRODUCTION,
    _THANKS,
    (
        _group(
            "price",
            "Price",
            "价格",
            _level("price_value", "Value for the price", "性价比"),
            _level("price_terms", "Terms of payment and delivery", "付款与交货条件"),
        ),
        _group(
            "quality",
            "Design and quality",
            "设计与质量",
            _level("quality_design", "Design", "产品设计"),
            _level("quality_material", "Materials and workmanship", "材料与做工"),
            _level("quality_constancy", "The same quality with every delivery", "每批产品质量稳定"),
        ),
        _COMPARISON,
        _group(
            "service",
            "After-sale service",
            "售后服务",
            _level("service_speed", "Speed of our response", "响应速度"),
            _level("service_contact", "Your contact person with us", "我方对接人员的服务"),
            _level("service_result", "Whether problems were solved", "问题解决情况"),
        ),
        _RECOMMENDATION,
        _SUGGESTIONS,
    ),
)
TEXTS: Final[Mapping[str, Template]] = MappingProxyType(
    {template.code: template for template in (_AFTER_SALE, _AFTER_SERVICE, _ON_VISIT)}
)
