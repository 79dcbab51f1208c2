"""Results out: assignments into a platform's tables, written where everything is still as it was decided on."""

from aidmatch.export.applying import Applied, Stale, Target, apply
from aidmatch.export.sql import SqlTarget, Stock, assignments_table, to_sql

__all__ = ["Applied", "SqlTarget", "Stale", "Stock", "Target", "apply", "assignments_table", "to_sql"]
