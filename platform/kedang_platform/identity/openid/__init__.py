"""Signing in with an account that people have elsewhere (OpenID Connect Core 1.0)."""
