"""What runs add up to: comparison tables, cost, and files for use elsewhere."""
