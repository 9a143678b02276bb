"""Security policies over the synthesized stacks, by checkov, which lives in an environment of its own."""
