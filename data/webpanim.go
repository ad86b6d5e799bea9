package data

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"slices"
)

// firstFrame returns the first frame of an animated WebP as a separate file, and its position on the
// screen. A file without animation is returned unchanged. RFC 9649, 2.7: the chunk VP8X has a flag for
// animation, ANMF holds frames.
func firstFrame(file []byte) (frame []byte, at image.Rectangle, err error) {
	const animated, alpha = 1 << 1, 1 << 4
	const header = 16 // x, y, width, height, duration: 3 bytes each; flags
	isAnimated := false
	for c := range webpChunks(file) {
		if c.id == "VP8X" && len(c.body) == 10 {
			isAnimated = c.body[0]&animated != 0
		}
		if !isAnimated {
			return file, image.Rectangle{}, nil
		}
		if c.id != "ANMF" {
			continue
		}
		if len(c.body) < header {
			break
		}
		at.Min = image.Pt(2*uint24(c.body), 2*uint24(c.body[3:]))
		at.Max = at.Min.Add(image.Pt(uint24(c.body[6:])+1, uint24(c.body[9:])+1))
		flags := byte(0)
		for part := range riffChunks(c.body[header:]) {
			if part.id == "ALPH" {
				flags = alpha
			}
		}
		screen := slices.Concat([]byte{flags, 0, 0, 0}, c.body[6:12])
		return webpFile(riffChunk("VP8X", screen), c.body[header:]), at, nil
	}
	if isAnimated {
		err = errors.New("damaged WebP file: an animation without a frame")
	}
	return file, image.Rectangle{}, err
}

func riffChunk(id string, body []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(body)))
	return append(out, body...)
}

func webpFile(chunks ...[]byte) []byte {
	return riffChunk("RIFF", append([]byte("WEBP"), slices.Concat(chunks...)...))
}

// decodeWebP decodes a WebP file, or its first frame, and appends the pixels to dst[:0].
func decodeWebP(data, dst []byte) (rgb []byte, w, h int, err error) {
	frame, at, err := firstFrame(data)
	if err != nil {
		return nil, 0, 0, err
	}
	if at.Empty() {
		return decodeWith(context.Background(), FormatWebP, frame, dst)
	}
	screen, err := readConfig(FormatWebP, data)
	if err != nil {
		return nil, 0, 0, err
	}
	if !at.In(image.Rect(0, 0, screen.Width, screen.Height)) {
		return nil, 0, 0, errors.New("damaged WebP file: a frame outside of its screen")
	}
	rgb, _, _, err = decodeWith(context.Background(), FormatWebP, frame, dst)
	if err != nil {
		return nil, 0, 0, err
	}
	return onScreen(rgb, at, screen.Width, screen.Height, [3]byte{}), screen.Width, screen.Height, nil
}
