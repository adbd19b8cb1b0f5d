"""The HTTP edge of attachments: resumable uploads by tus 1.0.0, and the files as others may fetch them."""
