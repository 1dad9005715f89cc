"""How similar tasks are, and where they lie on a two-dimensional map."""
