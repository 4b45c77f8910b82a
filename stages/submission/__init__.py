"""A submitted defense: its code runs in a sandbox, and what comes back is checked on the other side of a border."""
