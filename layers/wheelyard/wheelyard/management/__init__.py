"""What those do who keep the index: delete, yank, set the status, look at what there is."""
