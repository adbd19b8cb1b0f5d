"""Attachments: resumable uploads, what is kept and shown of a file, and the records they belong to. No Flask."""
