"""What a case asks of its plan: policies in Rego, and which of their rules decide."""
