"""The independent check of a matching, and its search for pairs that give it the lie."""
