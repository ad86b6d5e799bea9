package pickle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrFormat is returned when a file is not a well-formed file of torch.save.
	ErrFormat = errors.New("not a valid PyTorch file")
	// ErrRefused is returned when a pickle needs what this package does not do.
	ErrRefused = errors.New("refused")
)

// maxSteps bounds the opcodes of a pickle, and so the values that it makes, of which the largest has 100 bytes. A
// checkpoint of MobileNet v2 with its optimizer has 40,000.
const maxSteps = 1 << 21

// input is the rest of a file.
type input struct {
	r    *bufio.Reader
	at   int64 // bytes read
	size int64 // of the file
}

func newInput(r io.Reader, size int64) *input { return &input{r: bufio.NewReader(r), size: size} }

// bytes reads n bytes; more than there are is an error before memory is taken.
func (in *input) bytes(n uint64) ([]byte, error) {
	if n > uint64(in.size-in.at) {
		return nil, fmt.Errorf("%w: %d bytes at %d of %d", ErrFormat, n, in.at, in.size)
	}
	b := make([]byte, n)
	read, err := io.ReadFull(in.r, b)
	in.at += int64(read)
	return b, err
}

// line reads a text that ends with a newline.
func (in *input) line() (string, error) {
	const limit = 1 << 10
	var text []byte
	for len(text) < limit {
		b, err := in.bytes(1)
		if err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(text), nil
		}
		text = append(text, b[0])
	}
	return "", fmt.Errorf("%w: a name of more than %d bytes", ErrFormat, limit)
}

// machine runs one pickle: a stack of values, with the positions of marks, and the values that it recalls by number.
type machine struct {
	in       *input
	stack    []any
	marks    []int
	memo     map[uint64]any
	storages map[string]*storage // those that the pickle refers to, by key
	done     bool
}

// load reads a pickle and returns its value.
func load(in *input, storages map[string]*storage) (any, error) {
	m := &machine{in: in, memo: map[uint64]any{}, storages: storages}
	for range maxSteps {
		at := in.at
		code, err := in.bytes(1)
		if err != nil {
			return nil, err
		}
		op := opcodes[code[0]]
		switch {
		case op.name == "":
			return nil, fmt.Errorf("%w: byte %d is %#02x, no opcode of a pickle", ErrFormat, at, code[0])
		case op.run == nil:
			return nil, fmt.Errorf("%w: the opcode %s at byte %d, which tensors do not need", ErrRefused, op.name, at)
		}
		if err := op.run(m); err != nil {
			return nil, fmt.Errorf("%s at byte %d: %w", op.name, at, err)
		}
		if m.done {
			return m.pop()
		}
	}
	return nil, fmt.Errorf("%w: a pickle of more than %d opcodes", ErrFormat, maxSteps)
}

func (m *machine) push(v any) error {
	m.stack = append(m.stack, v)
	return nil
}

// floor is the place on the stack below which the current mark's items are not.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() (any, error) {
	if len(m.stack) <= m.floor() {
		return nil, fmt.Errorf("%w: nothing on the stack", ErrFormat)
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// popN returns n values, the last one pushed last.
func (m *machine) popN(n int) ([]any, error) {
	if len(m.stack)-n < m.floor() {
		return nil, fmt.Errorf("%w: fewer than %d values on the stack", ErrFormat, n)
	}
	items := append([]any(nil), m.stack[len(m.stack)-n:]...)
	m.stack = m.stack[:len(m.stack)-n]
	return items, nil
}

// popMark returns the values since the last mark.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, fmt.Errorf("%w: no mark on the stack", ErrFormat)
	}
	items, err := m.popN(len(m.stack) - m.floor())
	m.marks = m.marks[:len(m.marks)-1]
	return items, err
}

// top is the last value, which stays on the stack.
func (m *machine) top() (any, error) {
	v, err := m.pop()
	if err != nil {
		return nil, err
	}
	return v, m.push(v)
}
