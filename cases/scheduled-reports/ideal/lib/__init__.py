"""Reports on a timetable."""
