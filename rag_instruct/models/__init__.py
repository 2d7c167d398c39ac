"""Find models, load them, write prompts with their chat templates, and generate answers."""
