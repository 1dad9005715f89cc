"""The Streamlit dashboard: thin pages over `core`, with no heavy library in its process."""
