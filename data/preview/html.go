package preview

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"io"
)

// Card is an image of a page.
type Card struct {
	Thumbnail string   // of [Thumbnail]; "" for an image that cannot be read
	Title     string   // such as the path, shown where the pointer rests
	Lines     []string // below the image
}

// Thumbnail returns RGB pixels as a JPEG file in an address (data:), for a [Card].
func Thumbnail(pixels []uint8, side int) (string, error) {
	im := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		im.SetRGBA(i%side, i/side, color.RGBA{pixels[3*i], pixels[3*i+1], pixels[3*i+2], 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, im, &jpeg.Options{Quality: 85}); err != nil {
		return "", fmt.Errorf("preview: %w", err)
	}
	return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{"address": func(s string) template.URL { return template.URL(s) }}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 13px system-ui, sans-serif; margin: 1em; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 12px; }
figure { margin: 0; overflow: hidden; }
img { width: 100%; display: block; border-radius: 3px; }
figcaption div { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
</style></head><body><h1>{{.Title}}</h1>
<main>
{{range .Cards}}<figure title="{{.Title}}">{{if .Thumbnail}}<img src="{{address .Thumbnail}}" alt="">{{end}}<figcaption>{{range .Lines}}<div>{{.}}</div>{{end}}</figcaption></figure>
{{end}}</main></body></html>
`))

// Page writes a page of HTML with a grid of images, in one file without references to others.
func Page(w io.Writer, title string, cards []Card) error {
	return page.Execute(w, struct {
		Title string
		Cards []Card
	}{title, cards})
}
