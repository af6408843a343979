"""The HTTP side: routes, the RSGI application, and the process that runs it."""
