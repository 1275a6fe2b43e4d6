"""The formats of reports: each writer gets a document and the folder with its rows, and knows no kind of report."""
