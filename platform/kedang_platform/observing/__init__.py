"""What a process tells of itself: lines of its log, figures, traces, whether it is well. Never a value of anybody."""
