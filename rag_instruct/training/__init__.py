"""Fine-tune a model on a data set."""
