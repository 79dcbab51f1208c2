"""How many examples a sweep takes in the ordinary run and in the long one."""

from hypothesis import settings

_TIMES = {"ordinary": 1, "long": 10}


def examples(ordinary: int) -> int:
    """Examples of a sweep that takes so many in the ordinary run."""
    return ordinary * _TIMES[settings.get_current_profile_name()]
