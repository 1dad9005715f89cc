"""Zoos: which are here and which one all pages use; build, import, merge and pass them on; backbones."""

from dashboard import links
from dashboard.zoos import page

links.heading("Zoos", "zoo", *links.ZOOS)
page.draw()
