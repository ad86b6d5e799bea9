package charts

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"
)

// WriteSVG writes a chart as a file of its own. It refers to no other file, and is light or dark as the reader prefers.
func WriteSVG(w io.Writer, c Chart) error {
	s, err := c.draw()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := s.svg(&b, true); err != nil {
		return wrap(s.title, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return wrap(s.title, err)
	}
	return nil
}

// InlineSVG returns a chart as an element of an HTML page that has the rules of [CSS]. It is as wide as its
// place.
func InlineSVG(c Chart) (string, error) {
	s, err := c.draw()
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = s.svg(&b, false)
	return b.String(), wrap(s.title, err)
}

func (s *scene) svg(b *bytes.Buffer, own bool) error {
	size := fmt.Sprintf(`viewBox="0 0 %s %s"`, px(s.width), px(s.height))
	if own {
		fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" %s`, px(s.width), px(s.height), size)
	} else {
		fmt.Fprintf(b, `<svg %s`, size)
	}
	fmt.Fprintf(b, ` role="img" aria-label="%s">`, escape(strings.TrimSpace(s.title+". "+s.description)))
	if own {
		fmt.Fprintf(b, "<style>%s</style>", CSS())
		fmt.Fprintf(b, `<rect class="f-surface" width="%s" height="%s"/>`, px(s.width), px(s.height))
	}
	for _, shape := range s.shapes {
		if err := shape.svg(b); err != nil {
			return err
		}
	}
	b.WriteString("</svg>\n")
	return nil
}

// svg writes one element.
func (s shape) svg(b *bytes.Buffer) error {
	name := ""
	at := s.points[0]
	switch s.kind {
	case path:
		name = "path"
		fmt.Fprintf(b, `<path d="%s"`, pathData(s.points))
	case rect:
		name = "rect"
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s"`, px(at.x), px(at.y), px(s.points[1].x-at.x), px(s.points[1].y-at.y))
		if s.radius > 0 {
			fmt.Fprintf(b, ` rx="%s"`, px(s.radius))
		}
	case circle:
		name = "circle"
		fmt.Fprintf(b, `<circle cx="%s" cy="%s" r="%s"`, px(at.x), px(at.y), px(s.radius))
	case text:
		s.svgText(b)
		return nil
	case picture:
		return s.svgPicture(b)
	}
	b.WriteString(s.style())
	if s.tip == "" {
		b.WriteString("/>")
		return nil
	}
	fmt.Fprintf(b, "><title>%s</title></%s>", escape(s.tip), name)
	return nil
}

// style returns the attributes of fill and stroke.
func (s shape) style() string {
	var classes []string
	attributes := ""
	if s.fill.role != none {
		classes = append(classes, "f-"+palette[s.fill.role].name)
		if s.fill.opacity < 1 {
			attributes += fmt.Sprintf(` fill-opacity="%s"`, px(s.fill.opacity))
		}
	} else {
		attributes += ` fill="none"`
	}
	if s.stroke.role != none {
		classes = append(classes, "l-"+palette[s.stroke.role].name)
		attributes += fmt.Sprintf(` stroke-width="%s"`, px(s.width))
		if s.stroke.opacity < 1 {
			attributes += fmt.Sprintf(` stroke-opacity="%s"`, px(s.stroke.opacity))
		}
		if s.kind == path {
			attributes += ` stroke-linejoin="round"`
		}
		if s.dashed {
			attributes += ` stroke-dasharray="5 4"`
		}
	}
	return fmt.Sprintf(` class="%s"%s`, strings.Join(classes, " "), attributes)
}

func (s shape) svgText(b *bytes.Buffer) {
	class := "f-" + palette[s.fill.role].name
	if s.text.outline {
		class += " o"
	}
	fmt.Fprintf(b, `<text class="%s" x="%s" y="%s" font-size="%s"`, class, px(s.points[0].x), px(s.points[0].y), px(s.text.size))
	if s.text.bold {
		b.WriteString(` font-weight="600"`)
	}
	if s.text.anchor != start {
		fmt.Fprintf(b, ` text-anchor="%s"`, []string{"start", "middle", "end"}[s.text.anchor])
	}
	if s.text.upward {
		fmt.Fprintf(b, ` transform="rotate(-90 %s %s)"`, px(s.points[0].x), px(s.points[0].y))
	}
	fmt.Fprintf(b, ">%s</text>", escape(s.text.text))
}

func (s shape) svgPicture(b *bytes.Buffer) error {
	var file bytes.Buffer
	if err := png.Encode(&file, s.image); err != nil {
		return err
	}
	at, to := s.points[0], s.points[1]
	fmt.Fprintf(b, `<image x="%s" y="%s" width="%s" height="%s" style="image-rendering:pixelated" href="data:image/png;base64,%s"/>`, px(at.x), px(at.y),
		px(to.x-at.x), px(to.y-at.y), base64.StdEncoding.EncodeToString(file.Bytes()))
	return nil
}

// pathData writes points as the d of a path.
func pathData(points []point) string {
	var b strings.Builder
	for i, p := range points {
		b.WriteByte("ML"[min(i, 1)])
		b.WriteString(px(p.x))
		b.WriteByte(' ')
		b.WriteString(px(p.y))
	}
	return b.String()
}

// px formats a number of pixels with at most two decimals.
func px(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

// escape makes text safe in elements and attributes. Characters that XML forbids become U+FFFD.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder does not fail
	return b.String()
}
