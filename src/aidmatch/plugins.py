"""One registry for everything that can be plugged in: named, lazy, loud.

A plug-in is an entry point of an installed distribution, in the group of its
kind (``aidmatch.sources``, ``aidmatch.distances``, ``aidmatch.rules``,
``aidmatch.solvers``). Nothing is imported until it is named; a broken plug-in
hurts only who names it; a name taken twice is an error for who names it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from aidmatch.errors import AidMatchError, PluginError

__all__ = ["Registry", "from_extra"]


@contextmanager
def from_extra(extra: str) -> Iterator[None]:
    """Import within, what an extra installs.

    Parameters
    ----------
    extra
        Name of the extra.

    Raises
    ------
    PluginError
        ``MISSING_EXTRA``, which names the package and the extra, if the import fails.
    """
    try:
        yield
    except ImportError as error:
        raise PluginError(
            f"{error.name or 'a package'} is not installed: pip install 'aidmatch[{extra}]'", code="MISSING_EXTRA"
        ) from error


@lru_cache(maxsize=64)
def _installed(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    # a scan reads a file for every installed distribution, so it is kept as long as the path stays as it is
    return tuple(entry_points(group=group))


@dataclass(frozen=True, slots=True)
class Registry:
    """Plug-ins of one kind.

    Parameters
    ----------
    group
        Entry-point group.
    builtin
        This library's own, as ``module:attribute`` by name.
    """

    group: str
    builtin: Mapping[str, str]

    def names(self) -> list[str]:
        """Every name that can be asked for, sorted."""
        return sorted({*self.builtin, *(found.name for found in _installed(self.group, tuple(sys.path)))})

    def make(self, name: str, *arguments: Any) -> Any:
        """Import a plug-in and call it.

        Parameters
        ----------
        name
            As the plug-in's distribution declares it.
        *arguments
            What it is called with.

        Returns
        -------
        What it makes.

        Raises
        ------
        PluginError
            As `get`; ``BROKEN_PLUGIN`` too if it cannot be called.
        """
        plugin = self.get(name)
        try:
            return plugin(*arguments)
        except AidMatchError:
            raise
        except Exception as error:
            raise PluginError(
                f"{name!r} in {self.group} cannot be made: {type(error).__name__}: {error}", code="BROKEN_PLUGIN"
            ) from error

    def get(self, name: str) -> Any:
        """Import a plug-in.

        Parameters
        ----------
        name
            As the plug-in's distribution declares it.

        Returns
        -------
        The object the entry point names.

        Raises
        ------
        PluginError
            ``UNKNOWN_PLUGIN`` if nothing has the name, ``PLUGIN_CLASH`` if more than one has it, ``BROKEN_PLUGIN`` if
            it cannot be imported.
        """
        found = [entry for entry in _installed(self.group, tuple(sys.path)) if entry.name == name]
        if name in self.builtin:
            found.append(EntryPoint(name, self.builtin[name], self.group))
        if not found:
            near = get_close_matches(name, self.names(), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(self.names())}"
            raise PluginError(f"no plug-in {name!r} in {self.group}{hint}", code="UNKNOWN_PLUGIN")
        if len({entry.value for entry in found}) > 1:
            owners = sorted(entry.value for entry in found)
            raise PluginError(f"{name!r} in {self.group} is taken by {', '.join(owners)}", code="PLUGIN_CLASH")
        try:
            return found[0].load()
        except Exception as error:
            raise PluginError(
                f"{name!r} in {self.group} ({found[0].value}) cannot be imported: {type(error).__name__}: {error}",
                code="BROKEN_PLUGIN",
            ) from error
