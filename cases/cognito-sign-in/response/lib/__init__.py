"""The sign-in of the customer portal."""
