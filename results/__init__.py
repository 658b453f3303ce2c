"""What came of a run: records, store, summary, verdict, plots, report."""
