"""The native module, seen from Python: the gate's reading of headers, the exact key, the store, the tee."""
