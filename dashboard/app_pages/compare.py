"""Compare: all runs in a table, and those chosen side by side (`?runs=a,b`)."""

from dashboard import links
from dashboard.compare import page

links.heading("Compare", *links.COMPARE)
page.draw()
