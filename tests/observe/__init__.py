"""Tests of `isartor.observe`."""
