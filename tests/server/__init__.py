"""The HTTP side: paths, pages, errors and the process, without a socket."""
