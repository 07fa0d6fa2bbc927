"""Models, their recording and the maths of attention; usable alone from a notebook.

Knows neither Streamlit nor plotly. Start at `catalog.open_model` and `tracing.trace`.
"""
