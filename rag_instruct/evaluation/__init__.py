"""Models under test answer benchmarks; what their scores say."""
