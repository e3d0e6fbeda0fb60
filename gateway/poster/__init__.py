"""The A4 poster that explains how to answer a flow in one SMS.

`questions.py` decides which questions can be answered ahead, `example.py` makes an answer and has the engine
understand it, `content.py` puts the words together, `page.py` draws them.
"""
