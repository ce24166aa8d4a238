"""The report of a commit: from the files that the stages leave to one document, one page and the gates' verdict."""
