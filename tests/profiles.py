"""How many examples a sweep takes in the ordinary run and in the long one."""

from hypothesis import settings


def examples(ordinary: int, long: int | None = None) -> int:
    """Examples of a sweep that takes so many in the ordinary run, and ten times as many in a long one if not told."""
    if settings.get_current_profile_name() == "ordinary":
        return ordinary
    return 10 * ordinary if long is None else long
