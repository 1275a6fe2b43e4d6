"""What a kind of report says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Document
from kedang_tenants.reports.models import REPORTS
from kedang_tenants.reports.parameters import Parameter
from kedang_tenants.reports.spool import Spool
from kedang_tenants.trade.profits import may_read_profit

PERIOD, SCHEME, QUESTIONNAIRE, PEOPLE = "period", "schemeId", "questionnaireId", "people"
COLUMNS: Final = (PERIOD, SCHEME, QUESTIONNAIRE, PEOPLE)
"""What a question has columns of its own for; ``PEOPLE`` is a department, a person, or both."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``reads`` are the records without which the report says nothing; ``make`` works it out. With ``profit`` it is
    told only to whoever may read the profit of orders.

    ``columns`` are those of ``COLUMNS`` that count for it (what else is said counts for nothing),
    ``parameters`` what it can be told beside them (what else is said is refused). ``usual_period`` counts
    where whoever asks says none.
    """

    code: str
    reads: tuple[str, ...]
    make: Callable[[Asked, Spool], Awaitable[Document]]
    columns: frozenset[str] = frozenset({PERIOD, PEOPLE})
    parameters: tuple[Parameter, ...] = ()
    usual_period: str = "LAST_12_MONTHS"
    profit: bool = False

    def is_for(self, viewer: Viewer) -> bool:
        """Whether the viewer may read of what it is about, if only a part of that."""
        if self.profit and may_read_profit(viewer) is Scope.NONE:
            return False
        return all(viewer.on(record).read is not Scope.NONE for record in self.reads)

    @property
    def label(self) -> str:
        """What people call it: a msgid."""
        return next(option.label for option in REPORTS if option.code == self.code)
