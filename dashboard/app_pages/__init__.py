"""Page scripts, run top to bottom by Streamlit; nothing imports them."""
