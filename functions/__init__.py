"""Lambda entry points: decode the trigger, call one flow, encode the answer."""
