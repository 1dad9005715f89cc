"""Which backbones are here, and the form that adds one from a checkpoint."""

import pandas as pd
import streamlit as st

from core.backbones.listing import backbones


def draw() -> None:
    """The table, and the way to more."""
    found = backbones()
    frame = pd.DataFrame(
        {
            "Backbone": [one.id for one in found],
            "Architecture": [one.architecture for one in found],
            "Weights": [one.source for one in found],
            "Images": [f"{one.size} × {one.size}" for one in found],
            "Size": [one.bytes / 1e6 for one in found],
            "From": ["shipped" if one.shipped else "yours" for one in found],
        }
    )
    st.markdown("**Backbones** that are here: the networks, before pruning, that zoos are made on.")
    st.dataframe(
        frame,
        hide_index=True,
        column_config={"Size": st.column_config.NumberColumn(format="%.1f MB")},
        alt=f"The {len(found)} backbones that are here, with architecture, where their weights came from, and size",
    )
