"""What Enlace is about, as pure functions and values: standard library only, no AWS."""
