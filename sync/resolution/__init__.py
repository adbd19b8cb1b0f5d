"""What becomes of operations that wait: conflicts merged by the job, and what staff decide."""
