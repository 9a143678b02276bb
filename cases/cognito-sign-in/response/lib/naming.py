"""How things are called."""


def name_of(part: str, environment_suffix: str) -> str:
    """The name of a part in one environment."""
    return f"portal-{part}-{environment_suffix}"
