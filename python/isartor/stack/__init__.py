"""The layers, in the order in which a request meets them; `pipeline` is the list."""
