"""People and programs that use Earmark: users, their tokens, and what they did."""
