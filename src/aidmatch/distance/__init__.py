"""How far it is: the protocol of a distance, and the built-in ones."""
