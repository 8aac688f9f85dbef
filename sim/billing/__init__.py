"""Money billed: usage and a tariff in, an invoice out, and what the night adds to its month.

Imports no other room than the scenario's and the record's: a usage table typed by hand will do.
"""

from sim.billing.invoice import Bill, Invoice, Line, invoice, night_in_month

__all__ = ["Bill", "Invoice", "Line", "invoice", "night_in_month"]
