"""Orders API: API Gateway, one lambda function, one table."""
