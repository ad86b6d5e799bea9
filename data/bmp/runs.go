package bmp

// runDecoder decodes run lengths of palette indices to a list of pixels, row after row.
type runDecoder struct {
	image   *Image
	data    []byte
	indices []byte // of all pixels, zero where the file skips them
	at      int    // in indices
	column  int    // pixels of the row since it began; more than the width if a run continues in the next
}

// decodeRuns decodes the compressions RLE8 and RLE4. A file may end early with its end code; then the rest
// has color 0.
func (im *Image) decodeRuns(dst []byte) error {
	d := &runDecoder{image: im, data: im.data[im.pixels:], indices: make([]byte, im.Width*im.Height)}
	for d.at < len(d.indices) {
		end, err := d.next()
		if err != nil {
			return err
		}
		if end {
			break
		}
	}
	for y := range im.Height {
		line := im.line(dst, y)
		for x, index := range d.indices[y*im.Width : (y+1)*im.Width] {
			copy(line[3*x:3*x+3], im.palette[index][:])
		}
	}
	return nil
}

// next decodes a run or a code. It reports whether the code ends the image.
func (d *runDecoder) next() (end bool, err error) {
	const endOfLine, endOfImage, delta = 0, 1, 2
	pair, err := d.take(2)
	if err != nil {
		return false, err
	}
	if n := int(pair[0]); n > 0 {
		d.repeat(n, pair[1])
		return false, nil
	}
	switch code := int(pair[1]); code {
	case endOfLine:
		d.endLine()
	case endOfImage:
		return true, nil
	case delta:
		move, err := d.take(2)
		if err != nil {
			return false, err
		}
		d.at = min(d.at+int(move[0])+int(move[1])*d.image.Width, len(d.indices))
		d.column = d.at % d.image.Width
	default:
		return false, d.literal(code)
	}
	return false, nil
}

func (d *runDecoder) take(n int) ([]byte, error) {
	if n > len(d.data) {
		return nil, errTruncated
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b, nil
}

// repeat writes a run; what exceeds the row is dropped, as in Pillow. RLE4 alternates between two indices.
func (d *runDecoder) repeat(n int, value byte) {
	n = min(n, max(0, d.image.Width-d.column), len(d.indices)-d.at)
	for i := range n {
		index := value
		if d.image.compression == rle4 {
			index = nibble(value, i)
		}
		d.indices[d.at+i] = index
	}
	d.at += n
	d.column += n
}

// literal writes n indices that follow, padded to an even number of bytes.
func (d *runDecoder) literal(n int) error {
	size := n
	if d.image.compression == rle4 {
		size = (n + 1) / 2
	}
	values, err := d.take(size)
	if err != nil {
		return err
	}
	for i := range min(n, len(d.indices)-d.at) {
		if d.image.compression == rle4 {
			d.indices[d.at+i] = nibble(values[i/2], i)
		} else {
			d.indices[d.at+i] = values[i]
		}
	}
	d.at = min(d.at+n, len(d.indices))
	d.column += n
	if size%2 == 1 && len(d.data) > 0 {
		d.data = d.data[1:]
	}
	return nil
}

// endLine moves to the next row, unless the row's pixels have just filled it.
func (d *runDecoder) endLine() {
	if past := d.at % d.image.Width; past > 0 {
		d.at += d.image.Width - past
	} else if d.column == 0 {
		d.at = min(d.at+d.image.Width, len(d.indices))
	}
	d.column = 0
}

// nibble returns the high half of a byte for even i, the low half for odd i.
func nibble(b byte, i int) byte {
	if i%2 == 0 {
		return b >> 4
	}
	return b & 15
}
