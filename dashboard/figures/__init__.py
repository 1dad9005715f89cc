"""Figure builders: plain data in, a figure and its alt text out. Nothing here draws on a page."""
