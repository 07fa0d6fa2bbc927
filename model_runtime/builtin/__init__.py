"""The small Transformer that Headlight ships: architecture, training, weights.

Read `transformer.py` first. Nothing here knows how a model is shown.
"""
