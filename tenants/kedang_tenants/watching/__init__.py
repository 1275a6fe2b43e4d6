"""The watch list at both ends: the best customers and the riskiest, with the reasons why (A18)."""
