package checkpoints

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxHeader is the maximum length of the JSON header in the reference implementation.
const maxHeader = 100_000_000

const metadataKey = "__metadata__"

// entry is one array as the header describes it.
type entry struct {
	name       string
	dtype      string
	shape      []int
	begin, end int // in bytes from the end of the header
}

// header is the parsed JSON header.
type header struct {
	entries  []entry // in the header's order
	meta     map[string]string
	digestAt int // position in the header of the 64 digits of the "sha256" entry; -1 if there is none
}

// parseHeader reads the JSON header token by token: json.Unmarshal would accept duplicate and
// unknown keys and ignore case.
func parseHeader(raw []byte) (header, error) {
	trimmed := bytes.TrimRight(raw, " ")
	switch {
	case len(trimmed) == 0 || trimmed[0] != '{' || trimmed[len(trimmed)-1] != '}':
		return header{}, fmt.Errorf("the header is not a JSON object padded with spaces")
	case !utf8.Valid(trimmed):
		return header{}, fmt.Errorf("the header is not UTF-8")
	case !json.Valid(trimmed):
		return header{}, fmt.Errorf("the header is not JSON")
	}
	p := headerParser{raw: trimmed, dec: json.NewDecoder(bytes.NewReader(trimmed))}
	p.dec.UseNumber()
	h := header{digestAt: -1}
	err := p.object("the header", func(name string) error {
		if name == metadataKey {
			return p.metadata(&h)
		}
		e, err := p.entry(name)
		h.entries = append(h.entries, e)
		return err
	})
	return h, err
}

type headerParser struct {
	raw []byte
	dec *json.Decoder
}

// object reads an object and calls member once for each key; member reads the value. A repeated key
// is an error.
func (p headerParser) object(what string, member func(key string) error) error {
	if err := p.delim(what, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		key, err := p.text(what)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%s has the key %q twice", what, key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	return p.delim(what, '}')
}

func (p headerParser) delim(what string, want json.Delim) error {
	token, err := p.dec.Token()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if token != want {
		return fmt.Errorf("%s: found %v, expected %q", what, token, rune(want))
	}
	return nil
}

func (p headerParser) text(what string) (string, error) {
	token, err := p.dec.Token()
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	text, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("%s: found %v, expected a string", what, token)
	}
	return text, nil
}

// integers reads a list of at most limit nonnegative integers.
func (p headerParser) integers(what string, limit int) ([]int, error) {
	if err := p.delim(what, '['); err != nil {
		return nil, err
	}
	list := []int{}
	for p.dec.More() {
		token, err := p.dec.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fmt.Errorf("%s: found %v, expected a number", what, token)
		}
		n, err := strconv.Atoi(number.String())
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%s: %s is not a nonnegative integer", what, number)
		}
		if len(list) == limit {
			return nil, fmt.Errorf("%s has more than %d numbers", what, limit)
		}
		list = append(list, n)
	}
	return list, p.delim(what, ']')
}

func (p headerParser) metadata(h *header) error {
	h.meta = map[string]string{}
	return p.object(metadataKey, func(key string) error {
		value, err := p.text(fmt.Sprintf("%s entry %q", metadataKey, key))
		if err != nil {
			return err
		}
		h.meta[key] = value
		if key == digestKey {
			h.digestAt = digestPosition(p.raw, int(p.dec.InputOffset()), value)
		}
		return nil
	})
}

func (p headerParser) entry(name string) (entry, error) {
	what := fmt.Sprintf("array %q", name)
	e := entry{name: name}
	var offsets []int
	err := p.object(what, func(key string) (err error) {
		switch key {
		case "dtype":
			e.dtype, err = p.text(what + " dtype")
		case "shape":
			e.shape, err = p.integers(what+" shape", maxRank)
		case "data_offsets":
			offsets, err = p.integers(what+" data_offsets", 2)
		default:
			err = fmt.Errorf("%s has the unknown key %q", what, key)
		}
		return err
	})
	if err != nil {
		return e, err
	}
	if e.dtype == "" || e.shape == nil || len(offsets) != 2 {
		return e, fmt.Errorf("%s lacks one of dtype, shape and two data_offsets", what)
	}
	e.begin, e.end = offsets[0], offsets[1]
	return e, nil
}
