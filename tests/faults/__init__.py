"""What the gateway does when upstreams, clients or the machine misbehave."""
