package main

import (
	"bytes"
	"fmt"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/data/preview"
	"depthwise.dev/internal/atomicfile"
)

const (
	thumbnailSide = 112  // pixels at most, or one half more where the network's input is not divisible
	sheetLines    = 2    // class and probability, name
	maxCards      = 5000 // of a page: 30 MB
)

// contactSheet collects thumbnails, as many as the sheet holds, and writes them at the end.
type contactSheet struct {
	cmd       *cobra.Command
	path      string
	html      bool
	threshold float64
	total     int // images
	added     int
	tiles     []preview.Tile
	cards     []preview.Card
}

func newContactSheet(cmd *cobra.Command, file string, images int, threshold float64) *contactSheet {
	extension := strings.ToLower(filepath.Ext(file))
	return &contactSheet{cmd: cmd, path: file, html: extension == ".html" || extension == ".htm", threshold: threshold, total: images}
}

// Add implements [sink].
func (c *contactSheet) Add(p classify.Predicted) error {
	c.added++
	lines := []string{c.caption(p.Prediction), data.ShowName(filepath.Base(p.Image))}
	if c.html {
		if len(c.cards) == maxCards {
			return nil
		}
		card := preview.Card{Title: data.ShowName(p.Image), Lines: lines}
		if p.Error == "" {
			var err error
			if card.Thumbnail, err = preview.Thumbnail(preview.Reduced(p.Pixels, p.Side, 2*thumbnailSide)); err != nil {
				return err
			}
		}
		c.cards = append(c.cards, card)
		return nil
	}
	pixels := p.Pixels
	if p.Error != "" {
		pixels = bytes.Repeat([]byte{200}, 3*p.Side*p.Side)
	}
	small, side := preview.Reduced(pixels, p.Side, thumbnailSide)
	if len(c.tiles) < preview.MaxTiles(side, sheetLines) {
		c.tiles = append(c.tiles, preview.Tile{Pixels: small, Width: side, Height: side, Lines: lines})
	}
	return nil
}

// caption is the class with its probability, which comes first: long names of classes are cut.
func (c *contactSheet) caption(p classify.Prediction) string {
	switch {
	case p.Error != "":
		return "cannot be read"
	case len(p.Top) == 0 && c.threshold == 0: // several labels
		return "no class"
	case len(p.Top) == 0:
		return "below " + percent(c.threshold) + "%"
	}
	return fmt.Sprintf("%.0f%% %s", 100*p.Top[0].Probability, data.ShowName(p.Top[0].Class))
}

// Close implements [sink]: it writes what was added.
func (c *contactSheet) Close() error {
	if c.added == 0 {
		return nil
	}
	drawn := len(c.cards)
	err := atomicfile.Write(c.path, 0o666, func(w io.Writer) error {
		if c.html {
			return preview.Page(w, fmt.Sprintf("%d images", drawn), c.cards)
		}
		sheet, n := preview.Tiles(c.tiles)
		drawn = n
		return png.Encode(w, sheet)
	})
	if err == nil && drawn < c.added {
		fmt.Fprintf(c.cmd.ErrOrStderr(), "the contact sheet has the first %d of %d images: it holds no more; a page (.html) holds %d\n", drawn, c.added, maxCards)
	}
	return err
}

// overlayPNG draws the map of an image over it.
func overlayPNG(p classify.Predicted) ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	err := e.Encode(&b, preview.Overlay(p.Pixels, p.Side, p.Map.Values, p.Map.Height, p.Map.Width))
	return b.Bytes(), err
}
