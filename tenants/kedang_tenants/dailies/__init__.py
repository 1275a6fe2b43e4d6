"""Daily reports: customer cards of the day, what is urgent on its way upward, emergency reports (F5)."""
