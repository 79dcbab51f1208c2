"""What is to be matched, as of which day, with which decisions by people."""
