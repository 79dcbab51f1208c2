"""What platforms hand over: frozen values, validated once."""
