package charts

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// fonts are those of PNG files: regular and bold. Widths of text are measured in them for SVG files too, whose readers have
// fonts that are about as wide.
var fonts = sync.OnceValue(func() [2]*sfnt.Font {
	var list [2]*sfnt.Font
	for i, file := range [][]byte{goregular.TTF, gobold.TTF} {
		list[i], _ = opentype.Parse(file) // constants of the module, which a test parses; nil is handled
	}
	return list
})

// averageAdvance is the advance of a character that the font lacks, relative to the size.
const averageAdvance = 0.6

// textWidth is the width of a text in pixels.
func textWidth(s string, size float64, bold bool) float64 {
	f := fonts()[boolIndex(bold)]
	if f == nil {
		return averageAdvance * size * float64(utf8.RuneCountInString(s))
	}
	var buffer sfnt.Buffer
	const ppem = 1000
	width := 0.0
	for _, r := range s {
		advance := fixed.Int26_6(averageAdvance * ppem * 64)
		if i, err := f.GlyphIndex(&buffer, r); err == nil && i != 0 {
			if a, err := f.GlyphAdvance(&buffer, i, fixed.I(ppem), font.HintingNone); err == nil {
				advance = a
			}
		}
		width += float64(advance) / 64 / ppem
	}
	return width * size
}

// fit shortens a text to a width.
func fit(s string, size, width float64) string {
	if textWidth(s, size, false) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 1 && textWidth(string(runes)+"…", size, false) > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}
