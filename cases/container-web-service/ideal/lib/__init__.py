"""Web service on Fargate behind a load balancer."""
