"""Channel importance: one file a criterion, one registry (`registry.py`), all in the backbone's coordinates."""
