"""`python -m isartor`."""

from isartor.cli.main import main

main()
