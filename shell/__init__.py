"""The frame around every page: navigation, state, caching, language, HTTP routes.

The only code that knows Streamlit's session. Knows no maths.
"""
