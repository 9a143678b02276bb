"""The checks of a variant, one module a gate."""
