"""What goes out of Earmark to other programs, and what comes back from them."""
