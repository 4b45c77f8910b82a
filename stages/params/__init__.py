"""params.yaml as frozen typed objects: the one door for configuration."""
