"""Print results for people, one module for each module of operations: VIEWS holds a function for each operation.

A view takes the result, the params and the screen. All text from users and jobs goes through `safe`.
"""
