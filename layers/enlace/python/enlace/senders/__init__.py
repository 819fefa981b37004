"""One module per outbound provider: requests in its words, errors in ours."""
