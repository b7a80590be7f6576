"""Figures as SVG, drawn here and not in the browser: no script, no image, no style of their own.

Colours are classes of the style sheet, so that a figure follows the page into the dark and onto paper. A
figure has `role="img"` and a label that says what somebody who sees it takes away.
"""
