"""What Claude's Markdown means, and how Markdown is written: shared by views, wording, results and tasks.

Pure. Import its modules when they are used: markdown-it takes 30 ms.
"""
