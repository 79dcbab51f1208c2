"""Directions in whole numbers."""

import numpy as np

from aidmatch.arrays import as_whole


def test_directions_are_whole_or_nearly_as_they_were() -> None:
    thirds = np.array([[2 / 3, 1.0, 0.0], [1.0, -0.5, 0.25]])
    assert as_whole(thirds).tolist() == [[2, 3, 0], [4, -2, 1]]
    odd = np.array([[1.0, np.pi / 3, -np.sqrt(2) / 2]])
    whole = as_whole(odd)
    assert np.abs(whole).max() == 1_000
    assert np.allclose(whole / whole.max(), odd / odd.max(), atol=1e-3)


def test_no_directions_are_none() -> None:
    assert as_whole(np.zeros((0, 3))).shape == (0, 3)
