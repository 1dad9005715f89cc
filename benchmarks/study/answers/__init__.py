"""One section of the report each: a question, its figure, its table, and what they say."""
