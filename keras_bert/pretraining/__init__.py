"""From a corpus to masked, packed examples, and the steps that learn from them."""
