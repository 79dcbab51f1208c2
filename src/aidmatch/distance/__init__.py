"""How far it is: the protocol of a distance, and the built-in ones."""

from aidmatch.distance.administrative import Administrative
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.distance.pair_table import PairTable
from aidmatch.distance.protocol import UNREACHABLE, Distance
from aidmatch.distance.road import Road

__all__ = ["UNREACHABLE", "Administrative", "Distance", "GreatCircle", "PairTable", "Road"]
