package gopackage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strconv"

	"depthwise.dev/data"
	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/gopackage/reference"
)

// Golden is what the package's test compares with: testdata/golden.json.
type Golden struct {
	// Pixels is the SHA-256 of the pixels that package data makes of testdata/input.png; "" if the network does not take
	// images: its input are then the values of [classifier.TestValue].
	Pixels string `json:"pixels,omitempty"`
	// Logits are those of package reference, in float64.
	Logits []string `json:"logits"`
}

// addGolden adds an input and the logits of the network for it.
func addGolden(files map[string][]byte, n deploy.Network) error {
	var g Golden
	input := make([]float64, n.Input.Values())
	positions := int(n.Input.Positions())
	if side := n.Preprocess.Resolution; n.Input.Channels == 3 && n.Input.Height == side && n.Input.Width == side {
		file, err := testImage(min(side, 320))
		if err != nil {
			return err
		}
		pixels, err := data.DecodeImage(file, n.Preprocess)
		if err != nil {
			return fmt.Errorf("gopackage: the image of the test: %w", err)
		}
		for i, v := range pixels {
			c := i % 3
			input[c*positions+i/3] = (float64(v)/255 - n.Preprocess.Mean[c]) / n.Preprocess.Std[c]
		}
		digest := sha256.Sum256(pixels)
		g.Pixels, files["testdata/input.png"] = hex.EncodeToString(digest[:]), file
	} else {
		for i := range input { // (rows, columns, channels), as the package takes them
			input[i%n.Input.Channels*positions+i/n.Input.Channels] = testValue(i)
		}
	}
	logits, err := reference.Logits(n, input)
	if err != nil {
		return fmt.Errorf("gopackage: %w", err)
	}
	for _, v := range logits {
		g.Logits = append(g.Logits, strconv.FormatFloat(v, 'g', -1, 64)) // text, as JSON has no NaN
	}
	text, err := json.MarshalIndent(g, "", "  ")
	files["testdata/golden.json"] = append(text, '\n')
	return err
}

// testValue is value i of the input of a network that does not take images.
func testValue(i int) float64 { return float64(i*7919%1024)/256 - 2 }

// testImage draws an image of side rows: gradients, with edges that show where it is cropped.
func testImage(side int) ([]byte, error) {
	im := image.NewNRGBA(image.Rect(0, 0, side*5/4, side))
	for y := range side {
		for x := range im.Rect.Dx() {
			edge := 0
			if (x/(side/8+1)+y/(side/5+1))%2 == 1 {
				edge = 60
			}
			im.SetNRGBA(x, y, color.NRGBA{R: uint8(x*195/side%196 + edge), G: uint8(y*195/side + edge), B: uint8((x+y)*90/side%196 + edge), A: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		return nil, fmt.Errorf("gopackage: %w", err)
	}
	return b.Bytes(), nil
}
