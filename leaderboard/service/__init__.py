"""The submission service: upload, validate, queue, score, record, site."""
