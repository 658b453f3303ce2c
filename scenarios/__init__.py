"""What is rehearsed: records, units, loading and checking, the library."""
