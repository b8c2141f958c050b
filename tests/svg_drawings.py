"""SVGs of selectors for a canvas of 240 by 320 units, each with all that decides where a browser draws it."""

WIDTH, HEIGHT = 240, 320
SHAPE = '<path d="M10,10 h60 v20 h-40 v60 h-20 z"/>'  # like an L upside down, so that turns and mirrors show
RECT = '<rect x="20" y="30" width="60" height="40"/>'


def of_size(inner: str, attributes: str = "") -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inner}</svg>'


def group(attributes: str, inner: str = SHAPE) -> str:
    return f"<g {attributes}>{inner}</g>"


def within(attributes: str, inner: str = SHAPE) -> str:
    """An svg element in another."""
    return of_size(f"<svg {attributes}>{inner}</svg>")


def used(definition: str, use: str) -> str:
    return of_size(f"<defs>{definition}</defs><use {use}/>")


def styled(css: str, inner: str) -> str:
    return of_size(f"<style>{css}</style>{inner}")


AREAS = {
    "plain": of_size(SHAPE),
    "a part without area": of_size('<path d="M20,20h150v200h-150zL90,30z"/>'),
    "with a declaration": f'<?xml version="1.0" encoding="UTF-16"?><!-- é -->{of_size(SHAPE)}',
    "without a namespace": f"<svg>{RECT}</svg>",
    # viewports
    "half the size": of_size(SHAPE, 'width="120" height="160"'),
    "other proportions": of_size(SHAPE, 'width="120" height="120"'),
    "centimetres": of_size(SHAPE, 'width="4cm" height="2in"'),
    "parts of the canvas": of_size(SHAPE, 'width="50%" height="50%"'),
    "viewBox": of_size(SHAPE, 'viewBox="0 0 120 160"'),
    "viewBox with an offset": of_size(SHAPE, 'viewBox="5 -10 120 160" width="240" height="320"'),
    "viewBox of other proportions": of_size(SHAPE, 'viewBox="0 0 100 100"'),
    "viewBox, none": of_size(SHAPE, 'viewBox="0 0 100 100" preserveAspectRatio="none"'),
    "viewBox, slice": of_size(SHAPE, 'viewBox="0 0 100 100" preserveAspectRatio="xMinYMax slice"'),
    "viewBox, lower right": of_size(SHAPE, 'viewBox="0 0 100 100" preserveAspectRatio="xMaxYMax"'),
    "viewBox and size of other proportions": of_size(SHAPE, 'viewBox="0 0 100 100" width="100" height="300"'),
    "a size by style": of_size(SHAPE, 'style="width: 120px; height: 160px"'),
    "turned as a whole": of_size(SHAPE, 'transform="rotate(90)"'),
    "nested": within('x="40" y="30"'),
    "nested, clipped": within('x="40" y="30" width="50" height="60"'),
    "nested, not clipped": within('x="40" y="30" width="50" height="60" overflow="visible"'),
    "nested with viewBox": within('x="10%" y="10%" width="50%" height="100" viewBox="0 0 80 100"'),
    "nested, turned": within('x="40" y="30" transform="rotate(20)"'),
    "nested twice": within('viewBox="0 0 120 160"', f'<svg x="50%" width="30" height="80" viewBox="0 0 90 90">{SHAPE}</svg>'),
    # transforms
    "translate": of_size(group('transform="translate(30)"')),
    "several": of_size(group('transform="translate(100,50) rotate(30) scale(1.5 -0.5)"')),
    "skew and matrix": of_size(group('transform="skewX(20),matrix(1 .2 0 1 7 8)"')),
    "rotate about a point": of_size('<path transform="rotate(40 60 50)" d="M10,10 h60 v20 h-40 v60 h-20 z"/>'),
    "within each other": of_size(f'<g transform="translate(90,20)"><a transform="skewY(10)">{SHAPE}</a></g>'),
    "origin as attribute": of_size(group('transform="rotate(30)" transform-origin="60 80"')),
    "origin in per cent": of_size(group('transform="scale(.5)" transform-origin="50% 100%"')),
    "origin in words": of_size(group('style="transform: scale(.5); transform-origin: right top"')),
    "origin of one word": of_size(group('style="transform: scale(.5); transform-origin: bottom"')),
    "origin in the shape": of_size(group('style="transform: rotate(90deg); transform-origin: center; transform-box: fill-box"')),
    "origin in a nested viewport": within(
        'x="50" y="60" viewBox="0 0 100 100" width="100" height="100"', group('transform="scale(.5)" transform-origin="center"')
    ),
    "style": of_size(group('style="transform: translate(20px, 10%) rotate(.1turn)"')),
    "style over attribute": of_size(group('transform="scale(3)" style="transform: translateX(1in)"')),
    "translate, rotate and scale of styles": of_size(group('style="scale: 1.5; rotate: 20deg; translate: 60px 10px"')),
    "parts of the shape": of_size(group('style="transform: translate(100%, 50%); transform-box: fill-box"')),
    # shapes
    "rounded": of_size('<rect x="20" y="30" width="150" height="90" rx="40"/>'),
    "rounded otherwise each way": of_size('<rect x="20" y="30" width="150" height="90" rx="200" ry="10%"/>'),
    "parts": of_size('<rect x="25%" y="50%" width="50%" height="10%"/><circle cx="50%" cy="20%" r="10%"/>'),
    "ellipse": of_size('<ellipse cx="100" cy="100" rx="80" ry="30"/>'),
    "ellipse of one radius": of_size('<ellipse cx="100" cy="100" rx="60"/>'),
    "units": of_size('<rect x="10mm" y="1pc" width="72pt" height="80q"/>'),
    "polygon": of_size('<polygon points="100,10 40,198 190,78 10,78 160,198" fill-rule="evenodd"/>'),
    "hole": of_size('<path fill-rule="evenodd" d="M20,20h150v200h-150z m30,30h60v60h-60z"/>'),
    "curves": of_size('<path d="M20,100 C20,20 120,20 120,100 S200,180 200,60 Q150,10 100,60 T30,200 Z"/>'),
    "arcs without gaps": of_size('<path d="M60,120a50,30 15 1150,60a20,20 0 01-50-60z"/>'),
    "numbers without gaps": of_size('<path d="M10.5.5L100-0L1e2 50.5.5 60z"/>'),
    "after a closing": of_size('<path d="M20,20h50v50h-50z l100,100 h50 v-50 z"/>'),
    "closed by its end": of_size('<path d="M20,20 h100 v100 h-100 v-100"/>'),
    "nothing beside": of_size(f'{SHAPE}<rect width="0" height="9"/><circle cx="9" cy="9"/><rect x="4"/>'),
    # what overlaps
    "overlapping": of_size(f'{SHAPE}<circle cx="60" cy="50" r="30"/><rect x="50" y="40" width="150" height="20"/>'),
    "one within the other": of_size('<rect width="200" height="200"/><circle cx="100" cy="100" r="50"/>'),
    "apart": of_size(f'{SHAPE}<circle cx="160" cy="150" r="30"/>'),
    "star": of_size('<polygon points="100,10 40,198 190,78 10,78 160,198"/>'),
    "hole by its direction": of_size('<path d="M20,20h150v200h-150z m30,30v60h60v-60z"/>'),
    "no hole by its direction": of_size('<path d="M20,20h150v200h-150z m30,30h60v60h-60z"/>'),
    "rule of a group": of_size(group('fill-rule="evenodd"', '<path d="M20,20h150v200h-150z m30,30h60v60h-60z"/>')),
    "rule of a style": styled("path { fill-rule: evenodd }", '<path d="M20,20h150v200h-150z m30,30h60v60h-60z"/>'),
    "two with holes": of_size(
        '<path fill-rule="evenodd" d="M20,20h150v200h-150z m30,30h60v60h-60z"/><rect x="60" y="60" width="90" height="20"/>'
    ),
    "mirrored over itself": of_size(f'{SHAPE}<g transform="matrix(-1 0 0 1 90 0)">{SHAPE}</g>'),
    # what is not displayed
    "not displayed": of_size(f'{SHAPE}<g display="none"><rect width="200" height="200"/></g>'),
    "not displayed by style": of_size(f'{SHAPE}<rect style="display:none" width="200" height="200"/>'),
    "hidden, but for one": of_size(
        group('visibility="hidden"', '<rect width="200" height="200"/>' + group('style="visibility:visible"'))
    ),
    "switch": of_size(
        f'<switch><rect systemLanguage="xx" width="200" height="200"/>{SHAPE}<rect width="9" height="9"/></switch>'
    ),
    "other things": of_size(
        f"<title>t</title><desc>d</desc><metadata><x:a xmlns:x='urn:x'><x:b/></x:a></metadata>{SHAPE}"
        '<text x="100" y="300">Leaf</text><defs><rect width="200" height="200"/></defs>'
        '<clipPath id="c"><rect width="200" height="200"/></clipPath><mask id="m"><rect width="99" height="200"/></mask>'
        '<marker id="k"><path d="M0,0 L90,90 0,90 Z"/></marker><linearGradient id="g"/>'
    ),
    # use
    "use": used(group('id="a"'), 'href="#a" x="60" y="100"'),
    "use of XLink": of_size(
        f'<defs><g id="a">{SHAPE}</g></defs><use xlink:href="#a" transform="rotate(30)"/>',
        'xmlns:xlink="http://www.w3.org/1999/xlink"',
    ),
    "use twice": of_size(f'<g id="a" transform="rotate(10)">{SHAPE}</g><use href="#a" x="100" y="150" transform="scale(1.1)"/>'),
    "use of a use": used(group('id="a"') + '<use id="b" href="#a" x="50"/>', 'href="#b" y="90"'),
    "symbol": used(f'<symbol id="s" viewBox="0 0 80 100">{SHAPE}</symbol>', 'href="#s" x="50" y="60" width="160" height="100"'),
    "symbol, clipped": used(f'<symbol id="s" width="40" height="50">{SHAPE}</symbol>', 'href="#s" x="50" y="60"'),
    "symbol of the whole size": used(
        f'<symbol id="s" viewBox="0 0 80 100" preserveAspectRatio="xMinYMin">{SHAPE}</symbol>', 'href="#s"'
    ),
    "use of an svg": used(f'<svg id="s" x="5" width="40" height="50">{SHAPE}</svg>', 'href="#s" x="50" width="70" height="90"'),
    # rules of styles
    "rule of a class": styled(".a { transform: translate(30px, 40px) }", group('class="b a"')),
    "rule of an id over one of a class": styled("#i{transform:scale(2)} .a{transform:scale(.5)}", group('id="i" class="a"')),
    "rule of a descendant": styled(
        "svg g > path, rect { transform: rotate(10deg) }", f'<g><g>{SHAPE}</g></g><rect x="120" y="130" width="60" height="40"/>'
    ),
    "rule that hides": styled(
        "/* x { */ g.off, [data-x='1'] {display: none}", SHAPE + group('class="off"', RECT) + group('data-x="1"', RECT)
    ),
    "rule over an attribute": styled("rect { width: 100px; height: 25% }", RECT),
    "rule without a unit": styled("rect { width: 100; fill: red }", RECT),
    "important rule": styled("rect { x: 90px !important }", '<rect style="x: 9px" x="20" y="30" width="60" height="40"/>'),
    "later rule": styled("g { transform: scale(2) } g { transform: scale(1.5) }", f"<g>{SHAPE}</g>"),
    "rule of a screen": styled("@media screen { g { transform: scale(2) } } @media print { g { display: none } }", group("")),
    "rule of a neighbour": styled(
        "rect + g {transform: scale(.5)} rect ~ path {display: none}",
        '<rect x="150" y="150" width="20" height="30"/>' + group("") + '<path d="M0,0h200v200z"/>',
    ),
    "path of a style": styled("path { d: path('M50,60 h100 v150 z') }", SHAPE),
    "rule in CDATA": of_size(f"<style><![CDATA[ g > path {{ transform: scale(2) }} ]]></style><g>{SHAPE}</g>"),
}

LINES = {
    "line": of_size('<line x1="20" y1="30" x2="200" y2="300"/>'),
    "line in parts": of_size('<line x1="10%" y1="10%" x2="90%" y2="50%"/>'),
    "level": of_size('<polyline points="20,100 150,100 220,100"/>'),
    "polyline, turned": of_size('<polyline points="20,30 150,40 200,100" transform="rotate(20)"/>'),
    "open path": of_size('<path d="M20,20 q100,0 100,100 l60,80"/>'),
    "line in a viewBox": of_size('<line x1="10" y1="10" x2="90" y2="60"/>', 'viewBox="0 0 100 100"'),
    "line across a nested viewport": of_size(
        '<svg x="50" y="50" width="100" height="100"><line x1="-50" y1="-20" x2="200" y2="120"/></svg>'
    ),
}
