"""What operations take, measured as wholes: for a company's administrators, and in the process's metrics."""

from kedang_graphql.measuring.measurer import Measured, Measurer, keep_measuring

__all__ = ["Measured", "Measurer", "keep_measuring"]
