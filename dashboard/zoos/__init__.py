"""The pieces of the Zoos page."""
