"""What outlives the server (`local up --state DIR`): the folder, the records in it, and who writes them."""
