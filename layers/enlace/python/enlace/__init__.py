"""Enlace: a serverless omnichannel customer hub."""

__version__ = "0.1.0"
