"""What runs inside the sandbox: the standard library, gRPC and moto only; nothing of the harness is visible there."""
