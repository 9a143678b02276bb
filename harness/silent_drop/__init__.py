"""What a program gave and what did not arrive: the work of the silent-drop gate, one module a kind of evidence."""
