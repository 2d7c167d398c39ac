"""Find models, load them, prompt them by their chat template, and run them."""
