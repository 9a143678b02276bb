"""What AWS or good order refuse although the provider accepts it: rules over the graph of resources."""
