"""João's story, played through the running stack; ``python -m local.demo``."""
