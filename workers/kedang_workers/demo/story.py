"""What happens at Northwind today: who asks for what, what is done about it, and what the customers say of it.

The CSV files end in 1998; this is the story of the day on which the demonstration is built. It is told
once here, played by the chapters, and held against what the installation tells afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

LEVELS: Final = (
    "Very satisfied",
    "Fairly satisfied",
    "Basically satisfied",
    "Not very satisfied",
    "Not satisfied",
)
"""The five answers of every level question as the answer page shows them, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a customer asks of Northwind; ``product`` is a number of the CSV file."""

    customer: str
    kind: str
    channel: str
    priority: str
    about: str
    title: str
    description: str
    product: str | None = None


REPAIR: Final = Asked(
    customer="SAVEA",
    kind="REPAIR",
    channel="PHONE",
    priority="HIGH",
    about="OUR_PRODUCT",
    title="The ale dispenser drips",
    description="Jose Pavarotti calls: since the weekend the dispenser on loan loses a bottle a day.",
    product="34",
)
COMPLAINT: Final = Asked(
    customer="MAGAA",
    kind="COMPLAINT",
    channel="EMAIL",
    priority="URGENT",
    about="OUR_PRODUCT",
    title="Torn tins of coffee",
    description="Giovanni Rovelli writes that nine of sixteen tins arrived torn open; his letter is attached.",
    product="43",
)
CONSULTATION: Final = Asked(
    customer="SAVEA",
    kind="CONSULTATION",
    channel="PHONE",
    priority="NORMAL",
    about="OUR_PRODUCT",
    title="Which cheese stands the summer best",
    description="For the deli counter, where it gets warm at noon.",
    product="59",
)
WAITING: Final = Asked(
    customer="WANDK",
    kind="TECHNICAL_SUPPORT",
    channel="FORM",
    priority="NORMAL",
    about="OTHER",
    title="The till does not read the new bar codes",
    description="Rita Müller asks for the list of codes that changed with the new packaging.",
)
"""The one that is left open, with both clocks running."""
REQUESTS: Final = (REPAIR, COMPLAINT, CONSULTATION, WAITING)

FIRST_ANSWER: Final = "A technician comes tomorrow morning. Please keep the tap closed until then."
QUESTION: Final = "Is it the dispenser at the bar or the one in the cellar?"
CUSTOMERS_WORD: Final = "It is the one in the cellar."
PAUSE_SECONDS: Final = 2.0
"""How long the customer takes to say so."""
REPAIRED: Final[Mapping[str, Any]] = {
    "fault": "The seal of the tap is worn out",
    "serialNumber": "SA-34-0117",
    "workDone": "Seal and spring replaced, line rinsed, an hour under pressure: dry",
    "parts": "Seal 12 mm, spring",
    "cost": 4250,
}
RESULTS: Final[Mapping[str, str]] = {
    REPAIR.title: "The dispenser is tight again; the next inspection is in a year.",
    COMPLAINT.title: "Nine tins were sent again the same day; the packer uses stronger boxes from now on.",
    CONSULTATION.title: "Raclette Courdavault, kept below eight degrees; price list sent.",
}
APOLOGY: Final = "We are sorry. Nine tins leave today, without any charge."
ADVICE: Final = "Raclette Courdavault keeps best; we send you the list."

LETTER_NAME: Final = "letter-of-giovanni-rovelli.txt"
LETTER: Final = (
    "Dear Mr Fuller,\n\nof the sixteen tins that arrived this morning nine were torn open, and the coffee lay"
    " in the box.\nPlease tell me what you are going to do about it.\n\nGiovanni Rovelli\n"
)

STANDARDS: Final = {"A": (60, 540)}
"""Minutes of business time to the first answer and to the solution that a grade is promised, whatever the priority."""
ASSIGNED: Final[Mapping[str, str]] = {"REPAIR": "Sales", "TECHNICAL_SUPPORT": "Sales", "COMPLAINT": "London"}
"""Which department answers a kind of request; a consultation is the matter of whoever has the customer."""
RESPONSIBLE: Final[Mapping[str, str]] = {
    REPAIR.title: "laura.callahan@northwind.example",
    COMPLAINT.title: "steven.buchanan@northwind.example",
    CONSULTATION.title: "nancy.davolio@northwind.example",
    WAITING.title: "laura.callahan@northwind.example",
}
"""Who has each request by the rules: the service agent of Sales, the head of London, the customer's owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """The order of today; ``lines`` are numbers of products with quantity and unit price."""

    number: str
    delivery: str
    customer: str
    lines: tuple[tuple[str, str, str], ...]
    carrier: str


TODAYS: Final = Sold(
    number="TODAY-1",
    delivery="D-TODAY-1",
    customer="BERGS",
    lines=(("11", "12", "21"), ("42", "10", "14")),
    carrier="United Package",
)
"""No order of the CSV files: told apart by its number wherever those are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a customer says on the answer page, by the texts that the page shows.

    ``level`` answers every level question that ``exceptions`` does not name; ``comments`` belong to
    questions, ``words`` answer those that ask for a text.
    """

    customer: str
    level: str
    recommends: int
    exceptions: Mapping[str, str] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def choice(self, question: str, offered: frozenset[str]) -> str | None:
        """Which of the labels offered this customer picks; None for a question that does not concern them."""
        for picked in (self.exceptions.get(question, self.level), str(self.recommends)):
            if picked in offered:
                return picked
        return None


SUGGESTIONS: Final = "What should we do better? What would you wish for?"
HAPPY: Final = Reply(
    customer=REPAIR.customer,
    level="Very satisfied",
    recommends=10,
    exceptions={"Time it took in all": "Fairly satisfied"},
    comments={"The cause was found quickly": "Within ten minutes!"},
    words={SUGGESTIONS: "Nothing, thank you."},
)
UNHAPPY: Final = Reply(
    customer=COMPLAINT.customer,
    level="Basically satisfied",
    recommends=3,
    exceptions={
        "The problem was solved for good": "Not satisfied",
        "Courtesy and patience": "Very satisfied",
    },
    comments={"The problem was solved for good": "It is the third time that tins arrive torn."},
)
REPLIES: Final = (HAPPY, UNHAPPY)
