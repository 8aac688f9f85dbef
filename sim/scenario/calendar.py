"""The billing month around the night: monthly bills can't be reckoned without it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from sim.scenario.quantity import (
    NUMBER,
    WHOLE,
    Frozen,
    PositiveInt,
    Share,
)


class OtherPromotion(Frozen):
    """Another large night of the same month."""

    day: PositiveInt
    """Of the month."""
    share: Annotated[float, Field(ge=0, le=1000), NUMBER]
    """Its audience, in audiences of this night."""


class Month(Frozen):
    """The rest of the billing month: nights like this one, at the same hour, only smaller."""

    days: Annotated[int, Field(ge=28, le=31), WHOLE]
    ordinary_nights: Annotated[int, Field(ge=0, le=30), WHOLE]
    ordinary_share: Share
    """Their audience, as a share of this night's."""
    promotions: Annotated[list[OtherPromotion], Field(max_length=31)] = []
    """Ordinary nights fill the days that neither these nor this night take, from the first on."""

    @model_validator(mode="after")
    def _fits(self) -> Month:
        taken = [p.day for p in self.promotions]
        for k, day in enumerate(taken):
            if day > self.days or day in taken[:k]:
                raise ValueError(
                    f"promotions.{k}.day is {day}: it must be a day of its own, 1 to {self.days}"
                )
        if self.ordinary_nights + len(taken) >= self.days:
            raise ValueError(
                f"ordinary_nights {self.ordinary_nights} and {len(taken)} promotions leave no day "
                f"for this night: together they must be fewer than days {self.days}"
                if taken
                else f"ordinary_nights {self.ordinary_nights} must be fewer than days {self.days}"
            )
        return self

    def day_of(self, day: int) -> int:
        """This night's day of the month, given the calendar's; the 31st of 30 is the last."""
        return min(day, self.days)

    def ordinary_days(self, this_day: int) -> list[int]:
        """Days of the ordinary nights."""
        taken = {this_day, *(p.day for p in self.promotions)}
        free = [day for day in range(1, self.days + 1) if day not in taken]
        return free[: self.ordinary_nights]
