"""From the data set to a fine-tuned model."""
