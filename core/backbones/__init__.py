"""Backbones: architectures, weights, and the recipe that made the shipped ones."""
