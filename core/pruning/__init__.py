"""Methods: named ways to get from a backbone to a slim model, as one loop that yields events."""
