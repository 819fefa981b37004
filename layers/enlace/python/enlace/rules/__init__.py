"""The rules files that ship with Enlace."""
