"""Other people's formats, made into cases."""
