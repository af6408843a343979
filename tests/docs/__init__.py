"""Holds the documents to the code: `python -m tests.docs` writes the generated parts anew, the tests compare."""
