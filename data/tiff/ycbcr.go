package tiff

import "image"

// ycbcrTables converts YCbCr by libtiff's tables (tif_color.c): 16-bit fixed point.
type ycbcrTables struct {
	y, red, blue     [256]int32
	greenCb, greenCr [256]int32
}

// ycbcrOf returns the tables for a page.
func (p *Page) ycbcrOf() *ycbcrTables {
	if p.compression == uncompressed && p.subX*p.subY == 1 {
		return newPlainYCbCr()
	}
	return newYCbCr(&p.dir)
}

// newYCbCr computes the tables of a page from its coefficients and reference colors.
func newYCbCr(dir *directory) *ycbcrTables {
	defaults := [3]float32{0.299, 0.587, 0.114} // ITU-R BT.601
	black := [6]float32{0, 255, 128, 255, 128, 255}
	var luma [3]float32
	for i := range luma {
		luma[i] = dir.real(tagYCbCrCoefficient, i, defaults[i])
	}
	if luma[1] == 0 {
		luma = defaults
	}
	for i := range black {
		black[i] = dir.real(tagReferenceBlack, i, black[i])
	}
	redOf, blueOf := 2-2*luma[0], 2-2*luma[2]
	fix := func(f float32) int32 { return int32(min(max(f, 0), 2)*(1<<16) + 0.5) }
	d1, d2 := fix(redOf), -fix(luma[0]*redOf/luma[1])
	d3, d4 := fix(blueOf), -fix(luma[2]*blueOf/luma[1])
	const half = 1 << 15
	t := new(ycbcrTables)
	for i := range 256 {
		x := float32(i - 128)
		cr := codeToValue(x, black[4]-128, black[5]-128, 127)
		cb := codeToValue(x, black[2]-128, black[3]-128, 127)
		t.red[i], t.blue[i] = (d1*cr+half)>>16, (d3*cb+half)>>16
		t.greenCr[i], t.greenCb[i] = d2*cr, d4*cb+half
		t.y[i] = codeToValue(x+128, black[0], black[1], 255)
	}
	return t
}

// codeToValue is libtiff's Code2V, limited as there.
func codeToValue(c, black, white, codes float32) int32 {
	divisor := white - black
	if divisor == 0 {
		divisor = 1
	}
	return int32(min(max((c-float32(int32(black)))*codes/divisor, -128*32), 128*32))
}

func (t *ycbcrTables) color(dst []byte, y, cb, cr byte) {
	l := t.y[y]
	dst[0] = clip(int(l + t.red[cr]))
	dst[1] = clip(int(l + (t.greenCb[cb]+t.greenCr[cr])>>16))
	dst[2] = clip(int(l + t.blue[cb]))
}

// newPlainYCbCr returns the tables of Pillow's own conversion (ConvertYCbCr.c: 6-bit fixed point, truncated
// towards zero), which it uses for uncompressed pixels; the coefficients and reference colors of the file
// are ignored.
func newPlainYCbCr() *ycbcrTables {
	fix := func(factor float64, i int) int32 { return int32(factor*float64(i-128)*64 + 0.5) }
	t := new(ycbcrTables)
	for i := range 256 {
		t.y[i] = int32(i)
		t.red[i], t.blue[i] = fix(1.402, i)>>6, fix(1.772, i)>>6
		// color adds these with 16 bits of fraction.
		t.greenCb[i], t.greenCr[i] = fix(-0.34414, i)<<10, fix(-0.71414, i)<<10
	}
	return t
}

func (t *ycbcrTables) converter(samples int) converter {
	return func(dst, row []byte) {
		for i := range len(dst) / 3 {
			t.color(dst[3*i:], row[i*samples], row[i*samples+1], row[i*samples+2])
		}
	}
}

// decodeSubsampled decodes blocks of subX x subY pixels: their Y samples, then one Cb and one Cr (TIFF
// 6.0, section 21). Chroma is repeated, as in libtiff.
func (d *pageDecoder) decodeSubsampled(visible image.Rectangle) error {
	t := d.ycbcrOf()
	size := d.subX*d.subY + 2
	row := make([]byte, (d.segmentWidth+d.subX-1)/d.subX*size)
	for top := visible.Min.Y; top < visible.Max.Y; top += d.subY {
		if err := d.streams[0].readRow(row); err != nil {
			return err
		}
		for y := top; y < min(top+d.subY, visible.Max.Y); y++ {
			line := d.line(y, visible)
			for x := range visible.Dx() {
				block := row[x/d.subX*size:][:size]
				t.color(line[3*x:], block[(y-top)*d.subX+x%d.subX], block[size-2], block[size-1])
			}
		}
	}
	return nil
}
