package checkpoints

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// npyHeader is the parsed header of a .npy file.
type npyHeader struct {
	descr   string
	kind    kind
	order   binary.ByteOrder
	fortran bool
	shape   []int
}

// memory is the number of bytes that reading takes for an element: float16 is widened, and another
// layout is converted.
func (h npyHeader) memory() float64 {
	bytes := float64(h.kind.size())
	if h.kind == kindF16 {
		bytes = 4
	}
	if h.fortran {
		bytes *= 2
	}
	return bytes
}

// descrs are NumPy's names of the kinds, without the byte order. f2 is only read.
var descrs = map[string]kind{"f2": kindF16, "f4": kindF32, "f8": kindF64, "i8": kindI64, "i4": kindI32, "u1": kindU8, "b1": kindBool}

func (h *npyHeader) setDescr(descr string) error {
	if descr == "" {
		return fmt.Errorf("no element type")
	}
	known := false
	h.descr = descr
	h.kind, known = descrs[descr[1:]]
	switch {
	case !known || !strings.Contains("<>|", descr[:1]) || descr[0] == '|' && h.kind.size() > 1:
		return fmt.Errorf("element type %q; float16, float32, float64, int64, int32, uint8 and bool are read", descr)
	case descr[0] == '>':
		h.order = binary.BigEndian
	default:
		h.order = binary.LittleEndian
	}
	return nil
}

// npyHead is the start of a .npy file of version 1, padded so that the data begin at a multiple of
// 64 bytes, as in NumPy.
func npyHead(k kind, shape []int) []byte {
	descr := ""
	for name, other := range descrs {
		if other == k {
			descr = name
		}
	}
	order := "<"
	if k.size() == 1 {
		order = "|"
	}
	var dims strings.Builder
	for i, n := range shape {
		if i > 0 {
			dims.WriteByte(' ')
		}
		fmt.Fprintf(&dims, "%d,", n)
	}
	tuple := dims.String()
	if len(shape) > 1 {
		tuple = strings.TrimSuffix(tuple, ",") // (2,) but (2, 3)
	}
	text := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", order, descr, tuple)
	const fixed = len(npyMagic) + 2 + 2
	padded := (fixed+len(text)+1+63)/64*64 - fixed
	text += strings.Repeat(" ", padded-1-len(text)) + "\n"
	head := append([]byte(npyMagic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(text))) // at most 64 dimensions: far below 65,536
	return append(head, text...)
}

// parseNPYHeader reads a Python dictionary literal with the keys descr, fortran_order and shape. It
// does not accept other expressions.
func parseNPYHeader(text string) (npyHeader, error) {
	var h npyHeader
	p := npyParser{rest: text}
	seen := map[string]bool{}
	if err := p.expect("{"); err != nil {
		return h, err
	}
	for !p.accept("}") {
		key, err := p.quoted()
		if err == nil {
			err = p.expect(":")
		}
		if err != nil {
			return h, err
		}
		if seen[key] {
			return h, fmt.Errorf("the key %q twice", key)
		}
		seen[key] = true
		if err := p.value(&h, key); err != nil {
			return h, err
		}
		if !p.accept(",") {
			if err := p.expect("}"); err != nil {
				return h, err
			}
			break
		}
	}
	if strings.Trim(p.rest, " \n") != "" {
		return h, fmt.Errorf("%q after its end", p.rest)
	}
	if !seen["descr"] || !seen["fortran_order"] || !seen["shape"] {
		return h, fmt.Errorf("one of descr, fortran_order and shape is missing")
	}
	return h, nil
}

// npyParser holds the rest of the text.
type npyParser struct{ rest string }

func (p *npyParser) accept(token string) bool {
	rest, found := strings.CutPrefix(strings.TrimLeft(p.rest, " "), token)
	if found {
		p.rest = rest
	}
	return found
}

func (p *npyParser) expect(token string) error {
	if !p.accept(token) {
		return fmt.Errorf("found %q, expected %q", p.rest, token)
	}
	return nil
}

func (p *npyParser) quoted() (string, error) {
	for _, quote := range []string{"'", `"`} {
		if !p.accept(quote) {
			continue
		}
		text, rest, closed := strings.Cut(p.rest, quote)
		if !closed || strings.Contains(text, `\`) {
			break
		}
		p.rest = rest
		return text, nil
	}
	return "", fmt.Errorf("found %q, expected quoted text", p.rest)
}

func (p *npyParser) value(h *npyHeader, key string) (err error) {
	switch key {
	case "descr":
		descr, err := p.quoted()
		if err != nil {
			return err
		}
		return h.setDescr(descr)
	case "fortran_order":
		h.fortran = p.accept("True")
		if !h.fortran {
			return p.expect("False")
		}
		return nil
	case "shape":
		h.shape, err = p.tuple()
		return err
	}
	return fmt.Errorf("the unknown key %q", key)
}

// tuple reads (), (2,) or (2, 3).
func (p *npyParser) tuple() ([]int, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	shape := []int{}
	for !p.accept(")") {
		text := strings.TrimLeft(p.rest, " ")
		digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
		n, err := strconv.Atoi(digits)
		if err != nil {
			return nil, fmt.Errorf("found %q, expected a dimension", p.rest)
		}
		p.rest = text[len(digits):]
		shape = append(shape, n)
		if p.accept(",") {
			continue
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
		if len(shape) == 1 {
			return nil, fmt.Errorf("(%d) is not a tuple", n)
		}
		break
	}
	return shape, nil
}
