"""AWS: kinds are declared in the YAML files here, one for each service, and gathered by one engine."""
