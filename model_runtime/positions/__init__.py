"""How a token is told where it stands: encodings as formulas, and those that a model has.

Numbers only. Knows neither the screen nor how a model is run.
"""
