package charts

import (
	"fmt"
	"image/color"
	"strings"
)

// role is what a color is for. Each has a value on light and one on dark backgrounds.
type role int

const (
	none  role = iota
	ink        // text
	muted      // text of less weight
	grid
	surface // the background
	bad     // values that are wrong
	good    // usual ranges
	accent  // bars and cells
	firstSeries
)

// Series is the number of colors of series; further series have the same ones with dashes.
const Series = 8

// palette holds the colors of the roles: light, dark. The colors of series are those of Okabe and Ito
// (https://jfly.uni-koeln.de/color), which people with color blindness tell apart, darker on white and lighter on black so
// that lines have a contrast of at least 3 with the background.
var palette = []struct{ name, light, dark string }{
	{"none", "", ""},
	{"ink", "#1f2328", "#e6edf3"},
	{"muted", "#59636e", "#9aa5b1"},
	{"grid", "#dfe3e8", "#333b45"},
	{"surface", "#ffffff", "#161b22"},
	{"bad", "#c02020", "#ff7b72"},
	{"good", "#d6ebd0", "#24422d"},
	{"accent", "#1f6fd1", "#5aa2f5"},
	{"s0", "#1f6fd1", "#5aa2f5"},
	{"s1", "#c65a00", "#f0994d"},
	{"s2", "#00795a", "#3fc39c"},
	{"s3", "#a8447f", "#dd8fbe"},
	{"s4", "#7a6a00", "#d9c63a"},
	{"s5", "#5b4fc4", "#a59bff"},
	{"s6", "#57606a", "#a3adb8"},
	{"s7", "#008295", "#4cc7d9"},
}

// seriesPaint returns the color of a series, and whether its line is dashed because another one has the same color.
func seriesPaint(i int) (paint, bool) {
	return solid(firstSeries + role(i%Series)), i >= Series
}

// CSS returns the rules that give the shapes of SVG charts their colors: those of light backgrounds, and of dark ones where
// the reader prefers them. A page with charts of [InlineSVG] needs it once.
func CSS() string {
	var b strings.Builder
	rules := func(pick func(i int) string) {
		for i := 1; i < len(palette); i++ {
			fmt.Fprintf(&b, ".f-%s{fill:%s}.l-%s{stroke:%s}", palette[i].name, pick(i), palette[i].name, pick(i))
		}
		fmt.Fprintf(&b, ".o{paint-order:stroke;stroke:%s;stroke-width:4px;stroke-linejoin:round}", pick(int(surface)))
	}
	b.WriteString("svg text{font-family:system-ui,\"Segoe UI\",Roboto,Helvetica,Arial,sans-serif}")
	rules(func(i int) string { return palette[i].light })
	b.WriteString("@media (prefers-color-scheme:dark){@media screen{")
	rules(func(i int) string { return palette[i].dark })
	b.WriteString("}}")
	return b.String()
}

// light returns the color of a paint on a light background.
func (p paint) light() color.NRGBA {
	var c color.NRGBA
	if p.role == none {
		return c
	}
	fmt.Sscanf(palette[p.role].light, "#%02x%02x%02x", &c.R, &c.G, &c.B) // the table is constant, and a test parses it
	c.A = uint8(255*p.opacity + 0.5)
	return c
}
