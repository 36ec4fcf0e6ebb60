"""How requests say who they are, and the REST API of accounts."""
