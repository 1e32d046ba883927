"""What is right and wrong in each answer: a room for each notebook."""
