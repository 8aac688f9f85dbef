"""What people look at: charts and one page that opens offline."""

from sim.report.charts import plot
from sim.report.page import write

__all__ = ["plot", "write"]
