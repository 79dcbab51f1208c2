"""Why this, why not that: the facts of each verdict, and the words for them."""
