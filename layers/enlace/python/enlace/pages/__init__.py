"""Web pages for the people that messages go to: plain HTML, no script."""
