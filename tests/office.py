"""Makes PDF and Word files for tests, as small as their formats allow."""

import zipfile

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def pdf(path, pages, title="", field=""):
    """A PDF file. A page is a list of (left, bottom, letter size, bold, text); None is a page with only a picture.

    A sixth element sets the letters by a matrix: "scaled" for a font of size 1, "upright" for a line that goes up.
    With "spread", tabs in the text are wide blank space inside it, as TeX writes the rows of tables.
    Each page has a form field with the text `field`.
    """
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "",
        *(f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>" for name in ("Helvetica", "Helvetica-Bold")),
        f"<< /Title ({title}) >>",
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>\nstream\nx\nendstream",
    ]  # fmt: skip
    if field:
        drawn = f"BT /R 10 Tf 2 6 Td ({field}) Tj ET"
        objects += [
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /Rect [72 90 300 110] /AP << /N 8 0 R >> >>",
            "<< /Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /R 3 0 R >> >> "
            f"/Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        ]
    fields = "/Annots [7 0 R] " if field else ""
    kids = []
    for lines in pages:
        drawn = "q 500 0 0 700 50 50 cm /I Do Q" if lines is None else "".join(map(_drawn, lines))
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
        objects.append(
            f"<< /Type /Page {fields}/Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /R 3 0 R /B 4 0 R >> "
            f"/XObject << /I 6 0 R >> >> /Contents {len(objects)} 0 R >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    parts = ["%PDF-1.4\n"]
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(sum(map(len, parts)))
        parts.append(f"{number} 0 obj\n{content}\nendobj\n")
    begin = sum(map(len, parts))
    parts.append(
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{at:010d} 00000 n \n" for at in places)
    )
    parts.append(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{begin}\n%%EOF\n")
    path.write_bytes("".join(parts).encode("latin-1"))
    return path


def _drawn(line):
    left, bottom, size, bold, text, *by = line
    text = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    if by == ["spread"]:
        parts = " -9000 ".join(f"({part})" for part in text.split("\t"))
        return f"BT /{'B' if bold else 'R'} {size} Tf {left} {bottom} Td [{parts}] TJ ET\n"
    if by:
        matrix = f"{size} 0 0 {size}" if by == ["scaled"] else f"0 {size} -{size} 0"
        return f"BT /{'B' if bold else 'R'} 1 Tf {matrix} {left} {bottom} Tm ({text}) Tj ET\n"
    return f"BT /{'B' if bold else 'R'} {size} Tf {left} {bottom} Td ({text}) Tj ET\n"


def column(text, left=72, top=720, size=10, bold=False, width=60):
    """The lines of a text, one below another, each of at most `width` letters."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [(left, top - 1.2 * size * number, size, bold, one) for number, one in enumerate([*lines, line])]


def docx(path, parts):
    """A Word file. A part is a text, ("Heading 2", text), ("bold", text), or a table as a list of rows of texts."""
    body = "".join(map(_word, parts))
    styles = (
        "".join(
            f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/></w:style>'
            for n in (1, 2, 3)
        )
        + '<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style>'
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
        "word/styles.xml": f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{content}')
    return path


def _word(part):
    if isinstance(part, list):
        rows = ("".join(f"<w:tc>{_word(cell)}</w:tc>" for cell in row) for row in part)
        return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"
    style, text = part if isinstance(part, tuple) else ("", part)
    if style == "bold":
        return f"<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>{text}</w:t></w:r></w:p>"
    named = f'<w:pPr><w:pStyle w:val="{style.replace(" ", "")}"/></w:pPr>' if style else ""
    return f"<w:p>{named}<w:r><w:t>{text}</w:t></w:r></w:p>"
