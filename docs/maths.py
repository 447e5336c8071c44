"""Formulas as pictures made of letters' outlines: no script, no network, sharp at every size, in the colour of the text."""
import html
import re

from docutils import nodes
from sphinx.util import logging

EM = 1.1 / 20   # formulas are set in 20 pixels, and look as large as the text around them when they are a tenth larger
LOG = logging.getLogger(__name__)


def drawn(tex: str, display: bool) -> str:
    "A formula as SVG; what it says stays readable for screen readers."
    import ziamath
    ziamath.config.math.color = "currentColor"
    formula = ziamath.Latex(tex, size=20, inline=not display)
    svg = formula.svgxml()
    width, height, below = float(svg.get("width")), float(svg.get("height")), float(formula.getyofst())
    svg.set("style", f"width:{width * EM:.3f}em;height:{height * EM:.3f}em;vertical-align:{below * EM:.3f}em")
    for key in ("width", "height"):
        svg.attrib.pop(key)
    svg.set("role", "img")
    svg.set("aria-label", tex)
    from xml.etree import ElementTree
    return ElementTree.tostring(svg, encoding="unicode")


def visit(self, node, display=False):
    tex = node.astext()
    try:
        svg = drawn(tex, display)
    except Exception as e:
        LOG.warning("the formula %r cannot be drawn: %s", tex, e, location=node)
        svg = f"<code>{html.escape(tex)}</code>"
    tag = "div" if display else "span"
    self.body.append(f'<{tag} class="formula{" display" if display else ""}">{svg}</{tag}>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("outlines", (visit, None), (lambda self, node: visit(self, node, True), None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
