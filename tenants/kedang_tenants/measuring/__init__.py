"""What a company's operations took: summed up by the hour, and the slow ones explained (docs/adr/0018-operations.md)."""
