"""Official SDKs, recorded clients and cache rules against a real gateway and a stub provider."""
