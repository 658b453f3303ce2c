"""Floor control: who is seen and heard where. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

MAX_TILES = 100
SITE = re.compile(r"[A-Za-z0-9._~-]{1,64}")
"""Names of sites, as they stand in a URL's path."""


class FloorError(ValueError):
    """A floor that cannot be; the message says why."""


@dataclass(frozen=True, slots=True)
class Floor:
    """Who has the floor."""

    programme: str | None = None
    """The site whose picture and voice everyone gets."""
    called: str | None = None
    """The site that was called, seen and heard beside it."""
    tiles: tuple[str | None, ...] = ()
    """The wall, by place."""

    def updated(self, change: Any) -> "Floor":
        """This floor with ``change``, a JSON object of any of its parts. Raises FloorError."""
        if not isinstance(change, Mapping):
            raise FloorError("a floor is an object with programme, called and tiles")
        unknown = sorted(set(change) - {"programme", "called", "tiles"})
        if unknown:
            raise FloorError(f"{unknown[0]!r} must be one of programme, called, tiles")
        parts: dict[str, Any] = {}
        for name in ("programme", "called"):
            if name in change:
                parts[name] = _site(name, change[name])
        if "tiles" in change:
            tiles = change["tiles"]
            if not isinstance(tiles, Sequence) or isinstance(tiles, str) or len(tiles) > MAX_TILES:
                raise FloorError(f"tiles must be a list of at most {MAX_TILES} sites")
            parts["tiles"] = tuple(_site(f"tiles[{i}]", each) for i, each in enumerate(tiles))
        return replace(self, **parts)

    def as_json(self) -> dict[str, Any]:
        """The floor as the object that `updated` reads."""
        return {"programme": self.programme, "called": self.called, "tiles": list(self.tiles)}

    def voices(self, slots: int, own: str) -> list[str | None]:
        """The sites heard in a subscriber's voice slots; nobody hears ``own``, which is its site.

        Slot 0 is the programme's and slot 1 the called site's. With one slot, it is the called
        site's where the programme's voice is the subscriber's own, or nobody's.
        """
        called = self.called if self.called != self.programme else None
        heard = [None if site == own else site for site in (self.programme, called)]
        if slots == 1 and heard[0] is None:
            heard.reverse()
        return _filled(heard, slots)

    def pictures(self, slots: int, own: str) -> list[str | None]:
        """The sites seen in a subscriber's video slots: programme, called, then the wall."""
        seen = (self.programme, self.called, *self.tiles)
        return _filled([None if site == own else site for site in seen], slots)


def _filled(sites: list[str | None], slots: int) -> list[str | None]:
    return (sites + [None] * slots)[:slots]


def _site(name: str, value: Any) -> str | None:
    if value is None or (isinstance(value, str) and SITE.fullmatch(value)):
        return value
    raise FloorError(f"{name}(={value!r:.80}) must be null or match {SITE.pattern}")
