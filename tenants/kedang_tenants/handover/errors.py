"""What can be wrong with a handover."""

from __future__ import annotations

from kedang_platform.errors import BadUserInput, KedangError
from kedang_platform.i18n import msg


class SuccessorUnfit(BadUserInput):
    """Only an active member with a full seat who is not the leaver can take something over."""

    def __init__(self, *, path: tuple[str | int, ...]) -> None:
        super().__init__(msg("A successor is another active member with a full seat."), path=path)


class NotInTheirHands(BadUserInput):
    """A customer was given to a successor by name that the leaver does not own, or twice."""

    def __init__(self, *, path: tuple[str | int, ...]) -> None:
        super().__init__(
            msg("This customer is not in the hands of who leaves, or is given away twice."), path=path
        )


class TooManyByName(BadUserInput):
    def __init__(self, *, most: int) -> None:
        super().__init__(
            msg("At most {most} customers can be given away by name."), path=("shares",), most=most
        )


class HandoverUnderWay(KedangError):
    """The member's handover is running; another can follow when it has ended."""

    def __init__(self) -> None:
        super().__init__(msg("The handover of this member is under way already."), path=("memberId",))


class HandoverUnfinished(KedangError):
    """Nobody signs for what has not been handed over yet."""

    def __init__(self) -> None:
        super().__init__(msg("This handover is still under way."), path=("id",))
