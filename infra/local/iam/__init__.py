"""IAM for calls to AWS on this machine: policies evaluated by our own reading of the user guide, and a record of calls.

`policy`, `conditions` and `evaluate` are pure; `resources` and `context` say what a call touches; `enforce` joins them.
"""
