"""Full names of Chinese companies in any number: city + short name + trade + legal form, always the same ones.

The short names are real (``tests/data/company-names``). Cities, trades and legal forms occur unequally
often, so that a search meets common and rare words as it does in life.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

SHORT_NAMES = Path(__file__).parent.parent / "data" / "company-names" / "names.txt"
SEED = 20261101

# The larger first: the n-th occurs like 1/(n+3), the first one in about 8 of 100 names.
_CITIES = """
上海 北京 深圳 广州 成都 重庆 杭州 武汉 苏州 西安 南京 天津 长沙 郑州 青岛 宁波 合肥 东莞 佛山 无锡
厦门 福州 济南 温州 大连 沈阳 昆明 泉州 常州 金华 嘉兴 南通 石家庄 南昌 哈尔滨 长春 太原 贵阳 南宁
烟台 潍坊 徐州 绍兴 台州 中山 惠州 珠海 海口 兰州 银川 西宁 乌鲁木齐 呼和浩特 拉萨 扬州 镇江 湖州 芜湖
洛阳 宜昌 襄阳 株洲 柳州 桂林 赣州 九江 汕头 湛江 绵阳 遵义 大理 咸阳 包头 大庆 吉林 唐山 保定 邯郸
"""
_TRADES = """
科技 贸易 商贸 实业 信息技术 电子科技 网络科技 文化传媒 建筑工程 机械设备 生物科技 新能源 环保科技 食品
餐饮管理 物流 国际贸易 投资 服饰 医疗器械 教育科技 装饰工程 化工 电子商务 农业发展 汽车零部件 广告
企业管理咨询 电气 仪器仪表 包装材料 塑胶制品 五金 家具 旅游 房地产开发 物业管理 纺织品 印刷 供应链管理
软件 通信设备 精密模具 光电 自动化设备 药业 园林绿化 进出口 人力资源 健康管理
"""
_FORMS = {
    "有限公司": 78,
    "有限责任公司": 8,
    "股份有限公司": 5,
    "集团有限公司": 4,
    "厂": 2,
    "商行": 2,
    "合伙企业(有限合伙)": 1,
}


def company_names(count: int) -> list[str]:
    """The first ``count`` full names, all different."""
    return list(itertools.islice(_names(), count))


@cache
def short_names() -> tuple[str, ...]:
    """The short names in their file's order, each once; those of a single sign are left out."""
    lines = SHORT_NAMES.read_text("utf-8").splitlines()
    return tuple(dict.fromkeys(name for line in lines if len(name := line.strip()) > 1))


def _names() -> Iterator[str]:
    chance = random.Random(SEED)
    seen: set[str] = set()
    cities, trades = _CITIES.split(), _TRADES.split()
    city_weights, trade_weights = _falling(cities), _falling(trades)
    while True:
        for short in chance.sample(short_names(), len(short_names())):
            (city,) = chance.choices(cities, cum_weights=city_weights)
            (trade,) = chance.choices(trades, cum_weights=trade_weights)
            (form,) = chance.choices(list(_FORMS), weights=list(_FORMS.values()))
            name = f"{city}{chance.choice(('市', '', ''))}{short}{trade}{form}"
            if name not in seen:
                seen.add(name)
                yield name


def _falling(words: Sequence[str]) -> list[float]:
    return list(itertools.accumulate(1 / (rank + 3) for rank in range(1, len(words) + 1)))
