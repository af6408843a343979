"""How fast Isartor is, measured beside what it could at best be: see docs/benchmarks.md."""
