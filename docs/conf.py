"""Settings of the documentation site; `docs/build.py` makes the pages and runs Sphinx."""
import sys
from configparser import ConfigParser
from pathlib import Path

here = Path(__file__).parent
sys.path.insert(0, str(here))
ini = ConfigParser(delimiters=["="])
ini.read(here.parent / "settings.ini", encoding="utf-8")
cfg = ini["DEFAULT"]

project, author, copyright, version = cfg["title"], cfg["author"], cfg["copyright"], cfg["version"]
release = version
extensions = ["myst_parser", "sphinx_design", "sphinx_copybutton", "maths", "navigation"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "attrs_inline"]
myst_heading_anchors = 4
myst_dmath_allow_space = False    # '$3 and $15' is money
myst_dmath_allow_digits = False
html_math_renderer = "outlines"
smartquotes = False   # quotes are part of code
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!promptpo\.).*")]   # types of others, and words in annotations
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"
suppress_warnings = ["myst.header", "ref.python"]   # a notebook may step from a first to a third heading; two modules may each have a class of one name
copybutton_selector = "div.highlight:not(.output *) pre"
copybutton_exclude = ".linenos, .gp"

html_theme = "furo"
html_title = f"promptpo {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
pygments_style, pygments_dark_style = "tango", "github-dark"
_light = {"color-brand-primary": "#0b5d94", "color-brand-content": "#0b5d94", "color-brand-visited": "#0b5d94"}
_dark = {"color-brand-primary": "#7cc4ee", "color-brand-content": "#7cc4ee", "color-brand-visited": "#7cc4ee"}
html_theme_options = {"light_css_variables": _light, "dark_css_variables": _dark, "navigation_with_keys": True, "source_repository": cfg["git_url"], "source_branch": cfg["branch"], "source_directory": "nbs/", "top_of_page_buttons": []}
