"""What a reader sees a limit, or an incident, called: one of each row."""

LIMITS = {
    "sessions": "concurrent sessions",
    "joins_per_s": "joins a second",
    "egress_vendor": "egress of the whole vendor",
    "egress_region": "egress of a region",
    "egress_edge": "egress of an edge",
    "egress_growth": "growth of egress in a minute",
    "origin": "its origin",
    "token_calls_per_s": "token calls a second",
    "room_viewers": "viewers in one room",
    "node_viewers": "viewers its nodes take",
    "account_mbps": "the account's bandwidth",
    "package": "the package paid for",
    "transcodes": "transcodes at once",
    "messages_per_s": "messages a second in the room",
    "host_uplink": "the host's own uplink",
    "outage": "an outage",
    "own_joins_per_s": "your own backend's joins a second",
    "own_orders_per_s": "your own shop's orders a second",
}
"""Limits in words."""

HELD = {"none": "no limit", "own_link": "their own internet", **LIMITS}
"""What may hold an order back, in words."""

INCIDENTS = {
    "region": "the vendor's region",
    "edge": "the vendor's edge",
    "isp": "the operator",
    "host_uplink": "the host's uplink",
}
"""What an incident breaks, in words."""
