"""IFDL-VLM's second stage: a vision-language model that is shown the mask writes what was done."""
