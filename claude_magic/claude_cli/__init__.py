"""The program `claude`: where it is, how it is started, what it says, and the files it keeps."""
