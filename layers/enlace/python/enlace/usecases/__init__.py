"""What Enlace does, one module per use case: domain plus ports, no AWS."""
