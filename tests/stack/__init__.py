"""The layers: what each does with a request, without a network."""
