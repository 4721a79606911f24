"""Searching settings that make a preset better, judged on the validation split."""
