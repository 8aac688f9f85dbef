"""Money billed: usage and a tariff in, an invoice out.

Imports no other room than the scenario's and the record's: a usage table typed by hand will do.
"""

from sim.billing.invoice import Invoice, Line, invoice

__all__ = ["Invoice", "Line", "invoice"]
