"""Training one configuration: build it, fit it, write down what came out."""
