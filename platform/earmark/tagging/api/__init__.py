"""What people and programs can ask and change about tags, over HTTP."""
