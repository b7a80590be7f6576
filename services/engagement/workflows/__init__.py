"""The imperative shell: one file a thing the service does.

Each takes a connection inside a transaction that its caller opened, many items at once, and the
present moment, and gives each item its answer or its own error:
decode → read → pure call → write → answer.
"""
