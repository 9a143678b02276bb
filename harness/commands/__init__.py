"""Commands that are more than a few lines, one module each: `add_arguments(parser)` and `run(options)`."""
