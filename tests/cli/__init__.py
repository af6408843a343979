"""Tests of `isartor.cli`."""
