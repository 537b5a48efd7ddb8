"""The common ground of the trained methods: data, encoders, the training loop, export and prediction."""
