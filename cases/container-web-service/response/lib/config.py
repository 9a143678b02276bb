"""What differs between deployments."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceConfig:
    """Sizes and versions of the service."""

    image_tag: str = "1.0.0"
    container_port: int = 8080
    cpu: int = 512
    memory: int = 1024
    min_tasks: int = 2
    max_tasks: int = 8
