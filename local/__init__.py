"""The laptop stack and the developers' command line; never shipped to Lambda."""
