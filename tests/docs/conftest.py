from tests.docs.northwind import northwind

__all__ = ["northwind"]
