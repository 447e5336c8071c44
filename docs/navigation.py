"""The tree of pages in the sidebar, made once and not copied node by node for every page, which is what most of a build's time went to."""
import html

from sphinx import addnodes


def tree(env) -> list:
    "(caption, entries) of the first page; an entry is (title, page, its entries)."
    def children(page, seen=()):
        return [(title or env.titles[doc].astext(), doc, children(doc, (*seen, doc)) if doc not in (*seen, page) else [])
                for node in env.get_doctree(page).findall(addnodes.toctree) for title, doc in entries(node, page)]
    root = env.config.root_doc
    return [(node.get("caption"), [(title or env.titles[doc].astext(), doc, children(doc) if doc != root else []) for title, doc in entries(node, root)])
            for node in env.get_doctree(root).findall(addnodes.toctree)]


def entries(node, page):
    return [(title, page if doc == "self" else doc) for title, doc in node["entries"]]


def holds(entry, page) -> bool:
    return entry[1] == page or any(holds(e, page) for e in entry[2])


def as_html(some, page, link, level=1) -> str:
    rows = []
    for entry in some:
        title, doc, inner = entry
        current = " current" if holds(entry, page) else ""
        rows.append(f'<li class="toctree-l{level}{current}"><a class="{"current " if doc == page else ""}reference internal" href="{html.escape("#" if doc == page else link(doc))}">{html.escape(title)}</a>'
                    + (as_html(inner, page, link, level + 1) if inner else "") + "</li>")
    return f'<ul{" class=current" if any(holds(e, page) for e in some) else ""}>\n' + "\n".join(rows) + "\n</ul>"


def put(app, page, template, context, doctree):
    "Replace the theme's source of the tree."
    env = app.builder.env
    if not hasattr(env, "_tree_of_pages"):
        env._tree_of_pages = tree(env)
    def toctree(**how):
        link = lambda doc: app.builder.get_relative_uri(page, doc)
        return "\n".join((f'<p class="caption" role="heading"><span class="caption-text">{html.escape(caption)}</span></p>\n' if caption else "") + as_html(some, page, link) for caption, some in env._tree_of_pages)
    context["toctree"] = toctree


def setup(app):
    app.connect("html-page-context", put, priority=100)   # before the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
