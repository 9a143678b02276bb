"""Plain Terraform: reading `.tf` files, comparing them block by block, and what they make of a case."""
