"""The billing month around the night: monthly bills can't be reckoned without it."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime
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

    days: Annotated[int, Field(ge=28, le=31), WHOLE] | None = None
    """Of the month; null: as many as that of promotion.starts_at has."""
    ordinary_nights: Annotated[int, Field(ge=0, le=30), WHOLE]
    ordinary_share: Share
    """Their audience, as a share of this night's."""
    promotions: Annotated[list[OtherPromotion], Field(max_length=31)] = []
    """Ordinary nights fill the days that neither these nor this night take, from the first on."""

    def misfit(self, days: int) -> str:
        """What doesn't fit a month of so many days, '' where all does."""
        taken = [p.day for p in self.promotions]
        for k, day in enumerate(taken):
            if day > days or day in taken[:k]:
                return f"promotions.{k}.day is {day}: it must be a day of its own, 1 to {days}"
        if self.ordinary_nights + len(taken) < days:
            return ""
        if not taken:
            return f"ordinary_nights {self.ordinary_nights} must be fewer than days {days}"
        return (
            f"ordinary_nights {self.ordinary_nights} and {len(taken)} promotions leave no day "
            f"for this night: together they must be fewer than days {days}"
        )

    @model_validator(mode="after")
    def _fits(self) -> Month:
        if self.days is not None and (misfit := self.misfit(self.days)):
            raise ValueError(misfit)
        return self

    def length(self, starts_at: datetime) -> int:
        """Days of the month in which a show begins then."""
        return self.days or monthrange(starts_at.year, starts_at.month)[1]

    def day_of(self, starts_at: datetime) -> int:
        """The show's day of this month; the 31st of 30, where `days` says so, is the last."""
        return min(starts_at.day, self.length(starts_at))

    def ordinary_days(self, starts_at: datetime) -> list[int]:
        """Days of the ordinary nights."""
        taken = {self.day_of(starts_at), *(p.day for p in self.promotions)}
        free = [day for day in range(1, self.length(starts_at) + 1) if day not in taken]
        return free[: self.ordinary_nights]
