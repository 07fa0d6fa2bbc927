"""One file a page, one question a page: choose, trace, draw, explain.

Pages know the shell, pictures and models; not one another.
"""
