"""Results out: assignments into a platform's tables, where its stock is as it was decided on."""
