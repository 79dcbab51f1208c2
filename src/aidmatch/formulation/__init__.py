"""From records to markets and back, one module a problem family."""
