"""Zoos and backbones in the making, as a person asked for them: each order is worked on by a process of its own."""
