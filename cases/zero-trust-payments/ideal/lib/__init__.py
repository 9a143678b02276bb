"""Zero-trust payment processing infrastructure."""
