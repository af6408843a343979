"""Tests: they mirror the package, and are its specification."""
