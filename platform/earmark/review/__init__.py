"""What waits for a person: the queue of unsure tags, decisions about them, and what they teach."""
