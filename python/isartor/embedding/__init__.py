"""Texts into vectors: the bundled model, a model of the user's own, or a service.

`onnx.py` runs a model folder, `local.py` gives it a thread of its own, `remote.py` asks a service that speaks as
`tei.py` or `sidecar.py` say, and `guard.py` stands before all of them, so that a fault costs a hit and never a request.
`desk.py` is what they share: a text is embedded once, however many ask for it.
"""
