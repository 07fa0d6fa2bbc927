"""Checkpoints that transformers can open: finding, loading, reading, recording, checking.

Knows torch and transformers; neither Streamlit nor plotly, and no built-in model.
"""
