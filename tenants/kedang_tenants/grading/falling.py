"""Who fell to a worse level: the SQL of it, for whoever watches customers (G3, A18)."""

from __future__ import annotations


def fallen(*, since: str, where: str = "TRUE") -> str:
    """SELECT of ``customer_id``, ``code`` and ``position`` of the level that a customer has by the leading scheme, and
    ``before``, the code of the best level that it had at any time since the instant ``since``, where that was better.

    ``since`` is SQL, timestamptz; NULL finds nobody. ``where`` is a further condition over ``g``, a grade that has
    ended. Levels that were retired do not count: their customers did not leave them by what they did.
    """
    return f"""
SELECT DISTINCT ON (g.customer_id) g.customer_id, n.code, n.position, l.code AS before
FROM customer_grade g
JOIN customer c ON c.id = g.customer_id
JOIN grade_level n ON n.id = c.grade_level_id AND n.scheme_id = g.scheme_id
JOIN grade_level l ON l.id = g.level_id AND l.position < n.position AND l.archived_at IS NULL
WHERE NOT g.current AND g.archived_at IS NULL AND g.ended_at >= {since} AND {where}
ORDER BY g.customer_id, l.position
"""
