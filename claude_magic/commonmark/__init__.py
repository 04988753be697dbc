"""What Claude's Markdown means: the one parser that views and results share.

Pure; imports nothing else of the package. Import its modules when they are used: markdown-it takes 30 ms.
"""
