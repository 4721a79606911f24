"""What a model and its inputs are checked for: shapes, ranges, finite weights, memory and origin."""
