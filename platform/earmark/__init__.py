"""The Earmark platform: what is known about sound libraries, and what happens to them."""
