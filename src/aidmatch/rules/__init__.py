"""May this pair be? Each rule gives its reason when not."""
