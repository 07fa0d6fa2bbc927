"""The pictures of the page "Positions": one module a view, from numbers to sections.

Knows neither the session nor how a model is run.
"""
