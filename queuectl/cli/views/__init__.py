"""Results as people read them, one module for each module of operations: VIEWS holds a function for each operation.

A view takes the result, the params and the screen. Everything that came from outside goes through `safe`.
"""
