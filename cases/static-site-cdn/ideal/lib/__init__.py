"""Documentation site: a private bucket behind CloudFront."""
