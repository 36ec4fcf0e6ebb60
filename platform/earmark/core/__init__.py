"""What every app of the platform builds on; imports none of them."""
