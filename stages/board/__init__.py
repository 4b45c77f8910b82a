"""Results to tables, figures and one page. Reads values, returns text; `stages/report.py` chooses the files."""
