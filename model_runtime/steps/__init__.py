"""Where every number comes from: one pass taken apart, step by step.

From a trace to the operands and the result of each step. Knows no screen.
"""
