"""Which two contact points may be one person: likeness, weighed, with reasons.

Pure functions from values to values, in this order: ``features`` reads what a
record says of a person, ``blocking`` says under which keys look-alikes meet,
``compare`` names how alike two are field by field, ``weights`` turns that into a
probability, and ``learn`` finds the weights in data. Nothing here joins anybody.
"""
