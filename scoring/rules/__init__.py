"""The rules that classify diagnostics, one module a subject; `scoring.rulebook` puts them in order."""
