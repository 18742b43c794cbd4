"""The page for people who open the index in a browser: what this is, and how to use it."""

from html import escape
from string import Template

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Wheelyard package index</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222;
  max-width: 46rem; margin: 3rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.1rem; margin-top: 2rem }
pre { background: #f4f4f2; border: 1px solid #ddd; border-radius: 6px;
  padding: .8rem 1rem; overflow-x: auto }
a { color: #0b57d0 }
</style>
</head>
<body>
<h1>A private Python package index</h1>
<p>This is <strong>Wheelyard</strong>. It speaks the protocols of pip, uv, poetry and twine, and needs a
user name and a password. <a href="simple/">The list of projects</a></p>
<h2>Install</h2>
<pre>pip install --index-url ${url}simple/ PACKAGE
uv pip install --default-index ${url}simple/ PACKAGE
poetry source add --priority=primary wheelyard ${url}simple/</pre>
<p>Name this index alone: a second index beside it would be asked whenever this one fails.</p>
<h2>Publish</h2>
<pre>twine upload --repository-url ${url}legacy/ dist/*
uv publish --publish-url ${url}legacy/ dist/*</pre>
<p>Credentials are taken from the URL (<code>https://USER:PASSWORD@…</code>), <code>~/.netrc</code>, a
keyring, or the tool's own settings.</p>
</body>
</html>
""")


def welcome_page(url: str) -> bytes:
    """The page; ``url`` is the index's own, as the reader reached it, ending with a slash."""
    return _PAGE.substitute(url=escape(url)).encode()
