"""Rows in: the protocol of a source, the built-in sources, and `read`, which makes records of their rows."""
