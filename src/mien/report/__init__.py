"""The report that patient and clinician read together: one page, or a long one for research; HTML and PDF.

The way of a report: `material` gathers what is needed out of the store, `first_page` and `appendix` write
everything that is said, `fit` makes the first page one page, `html` and `pdf` lay it out.
"""

from mien.report.content import ReportContent
from mien.report.html import render_html
from mien.report.pdf import render_pdf
from mien.report.save import content, save_report

__all__ = ["ReportContent", "content", "render_html", "render_pdf", "save_report"]
