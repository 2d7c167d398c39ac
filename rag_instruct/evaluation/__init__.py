"""Let models under test answer benchmarks, score the answers and compare the models."""
