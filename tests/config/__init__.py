"""Tests of `isartor.config`."""
