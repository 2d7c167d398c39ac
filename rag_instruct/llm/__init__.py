"""Language models behind endpoints: asked within limits, their answers kept, what they cost."""
