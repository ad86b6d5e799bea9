package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
)

// opcode is one instruction; run is nil for those that are refused.
type opcode struct {
	name string // pickletools'
	run  func(*machine) error
}

// opcodes by their byte. The text opcodes of protocol 0, which torch.save never writes, are refused.
var opcodes [256]opcode

func init() {
	for code, op := range map[byte]opcode{
		'(': {"MARK", func(m *machine) error { m.marks = append(m.marks, len(m.stack)); return nil }},
		'.': {"STOP", func(m *machine) error { m.done = true; return nil }},
		'0': {"POP", pop},
		'1': {"POP_MARK", func(m *machine) error { _, err := m.popMark(); return err }},
		'2': {"DUP", dup},
		'N': {"NONE", constant(nil)}, '\x88': {"NEWTRUE", constant(true)}, '\x89': {"NEWFALSE", constant(false)},
		'K': {"BININT1", integer(1)}, 'M': {"BININT2", integer(2)}, 'J': {"BININT", signed},
		'\x8a': {"LONG1", long(1)}, '\x8b': {"LONG4", long(4)}, 'G': {"BINFLOAT", float},
		'X': {"BINUNICODE", text(4)}, '\x8c': {"SHORT_BINUNICODE", text(1)}, '\x8d': {"BINUNICODE8", text(8)},
		'T': {"BINSTRING", text(4)}, 'U': {"SHORT_BINSTRING", text(1)},
		'B': {"BINBYTES", raw(4)}, 'C': {"SHORT_BINBYTES", raw(1)}, '\x8e': {"BINBYTES8", raw(8)}, '\x96': {"BYTEARRAY8", raw(8)},
		')': {"EMPTY_TUPLE", constant(Tuple(nil))}, 't': {"TUPLE", tupleFromMark},
		'\x85': {"TUPLE1", tuple(1)}, '\x86': {"TUPLE2", tuple(2)}, '\x87': {"TUPLE3", tuple(3)},
		']': {"EMPTY_LIST", func(m *machine) error { return m.push(&List{}) }}, 'a': {"APPEND", appendOne}, 'e': {"APPENDS", appendAll},
		'l': {"LIST", listFromMark}, 'd': {"DICT", dictFromMark},
		'}': {"EMPTY_DICT", func(m *machine) error { return m.push(&Dict{}) }}, 's': {"SETITEM", setOne}, 'u': {"SETITEMS", setAll},
		'\x8f': {"EMPTY_SET", func(m *machine) error { return m.push(&List{}) }}, '\x90': {"ADDITEMS", appendAll}, '\x91': {"FROZENSET", listFromMark},
		'q': {"BINPUT", put(1)}, 'r': {"LONG_BINPUT", put(4)}, '\x94': {"MEMOIZE", memoize}, 'h': {"BINGET", get(1)}, 'j': {"LONG_BINGET", get(4)},
		'\x80': {"PROTO", protocol}, '\x95': {"FRAME", func(m *machine) error { _, err := m.in.bytes(8); return err }},
		'c': {"GLOBAL", findGlobal}, '\x93': {"STACK_GLOBAL", stackGlobal},
		'R': {"REDUCE", reduce}, '\x81': {"NEWOBJ", reduce}, '\x92': {"NEWOBJ_EX", newObjectWithNames}, 'b': {"BUILD", build},
		'Q': {"BINPERSID", persistentID},
		// Refused:
		'I': {name: "INT"}, 'L': {name: "LONG"}, 'F': {name: "FLOAT"}, 'S': {name: "STRING"}, 'V': {name: "UNICODE"},
		'p': {name: "PUT"}, 'g': {name: "GET"}, 'P': {name: "PERSID"}, 'i': {name: "INST"}, 'o': {name: "OBJ"},
		'\x82': {name: "EXT1"}, '\x83': {name: "EXT2"}, '\x84': {name: "EXT4"}, '\x97': {name: "NEXT_BUFFER"}, '\x98': {name: "READONLY_BUFFER"},
	} {
		opcodes[code] = op
	}
}

func pop(m *machine) error {
	if len(m.marks) > 0 && len(m.stack) == m.floor() { // Python's POP removes a mark too
		m.marks = m.marks[:len(m.marks)-1]
		return nil
	}
	_, err := m.pop()
	return err
}

func dup(m *machine) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	return m.push(v)
}

func constant(v any) func(*machine) error {
	return func(m *machine) error { return m.push(v) }
}

// unsigned reads a little-endian number of 1, 2, 4 or 8 bytes.
func (m *machine) unsigned(size int) (uint64, error) {
	b, err := m.in.bytes(uint64(size))
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), err
}

func integer(size int) func(*machine) error {
	return func(m *machine) error {
		n, err := m.unsigned(size)
		if err != nil {
			return err
		}
		return m.push(int64(n))
	}
}

func signed(m *machine) error {
	n, err := m.unsigned(4)
	if err != nil {
		return err
	}
	return m.push(int64(int32(n)))
}

// long reads an integer of any length, in two's complement.
func long(sizeOfLength int) func(*machine) error {
	return func(m *machine) error {
		n, err := m.unsigned(sizeOfLength)
		if err != nil {
			return err
		}
		b, err := m.in.bytes(n)
		if err != nil {
			return err
		}
		if len(b) > 8 {
			return m.push(bigInt(b))
		}
		var full [8]byte
		copy(full[:], b)
		value := binary.LittleEndian.Uint64(full[:])
		if len(b) > 0 && len(b) < 8 && b[len(b)-1]&0x80 != 0 {
			value |= math.MaxUint64 << (8 * len(b))
		}
		return m.push(int64(value))
	}
}

func float(m *machine) error {
	b, err := m.in.bytes(8)
	if err != nil {
		return err
	}
	return m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
}

func text(sizeOfLength int) func(*machine) error {
	return func(m *machine) error {
		b, err := m.counted(sizeOfLength)
		if err != nil {
			return err
		}
		return m.push(string(b))
	}
}

func raw(sizeOfLength int) func(*machine) error {
	return func(m *machine) error {
		b, err := m.counted(sizeOfLength)
		if err != nil {
			return err
		}
		return m.push(b)
	}
}

// counted reads a length and so many bytes.
func (m *machine) counted(sizeOfLength int) ([]byte, error) {
	n, err := m.unsigned(sizeOfLength)
	if err != nil {
		return nil, err
	}
	return m.in.bytes(n)
}

func tuple(n int) func(*machine) error {
	return func(m *machine) error {
		items, err := m.popN(n)
		if err != nil {
			return err
		}
		return m.push(Tuple(items))
	}
}

func tupleFromMark(m *machine) error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.push(Tuple(items))
}

func listFromMark(m *machine) error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.push(&List{items})
}

func dictFromMark(m *machine) error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	d := &Dict{}
	if err := set(d, items); err != nil {
		return err
	}
	return m.push(d)
}

func appendOne(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	return m.extend([]any{v})
}

func appendAll(m *machine) error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.extend(items)
}

// extend appends to the list on top of the stack.
func (m *machine) extend(items []any) error {
	to, err := m.top()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *List:
		to.Items = append(to.Items, items...)
	case opaque:
	default:
		return fmt.Errorf("%w: items appended to %s", ErrFormat, describe(to))
	}
	return nil
}

func setOne(m *machine) error {
	items, err := m.popN(2)
	if err != nil {
		return err
	}
	return m.set(items)
}

func setAll(m *machine) error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.set(items)
}

// set sets keys and values, in turn, of the dict on top of the stack.
func (m *machine) set(items []any) error {
	to, err := m.top()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *Dict:
		return set(to, items)
	case opaque:
		return nil
	}
	return fmt.Errorf("%w: keys set in %s", ErrFormat, describe(to))
}

func set(d *Dict, items []any) error {
	if len(items)%2 != 0 {
		return fmt.Errorf("%w: a key without a value", ErrFormat)
	}
	for i := 0; i < len(items); i += 2 {
		d.Keys, d.Values = append(d.Keys, items[i]), append(d.Values, items[i+1])
	}
	return nil
}

func put(size int) func(*machine) error {
	return func(m *machine) error {
		n, err := m.unsigned(size)
		if err != nil {
			return err
		}
		return m.remember(n)
	}
}

func memoize(m *machine) error { return m.remember(uint64(len(m.memo))) }

func (m *machine) remember(n uint64) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	m.memo[n] = v
	return nil
}

func get(size int) func(*machine) error {
	return func(m *machine) error {
		n, err := m.unsigned(size)
		if err != nil {
			return err
		}
		v, ok := m.memo[n]
		if !ok {
			return fmt.Errorf("%w: no value was remembered as %d", ErrFormat, n)
		}
		return m.push(v)
	}
}

func protocol(m *machine) error {
	n, err := m.unsigned(1)
	if err == nil && n > 5 {
		return fmt.Errorf("%w: pickle protocol %d", ErrRefused, n)
	}
	return err
}

func findGlobal(m *machine) error {
	module, err := m.in.line()
	if err != nil {
		return err
	}
	name, err := m.in.line()
	if err != nil {
		return err
	}
	return m.global(module, name)
}

func stackGlobal(m *machine) error {
	items, err := m.popN(2)
	if err != nil {
		return err
	}
	module, isText := items[0].(string)
	name, isText2 := items[1].(string)
	if !isText || !isText2 {
		return fmt.Errorf("%w: a global named by %s and %s", ErrFormat, describe(items[0]), describe(items[1]))
	}
	return m.global(module, name)
}

func (m *machine) global(module, name string) error {
	g, err := lookup(module, name)
	if err != nil {
		return err
	}
	return m.push(g)
}

func reduce(m *machine) error {
	items, err := m.popN(2)
	if err != nil {
		return err
	}
	v, err := call(items[0], items[1])
	if err != nil {
		return err
	}
	return m.push(v)
}

// newObjectWithNames is NEWOBJ with named arguments, which objects that are needed do not have.
func newObjectWithNames(m *machine) error {
	items, err := m.popN(3)
	if err != nil {
		return err
	}
	v, err := call(items[0], items[1])
	if err != nil {
		return err
	}
	return m.push(v)
}

// build sets the attributes of an object, such as _metadata of a state dict. None is needed.
func build(m *machine) error {
	if _, err := m.pop(); err != nil {
		return err
	}
	_, err := m.top()
	return err
}

func persistentID(m *machine) error {
	id, err := m.pop()
	if err != nil {
		return err
	}
	s, err := persistent(id)
	if err != nil {
		return err
	}
	if old := m.storages[s.key]; old != nil && (old.class != s.class || old.n != s.n) {
		return fmt.Errorf("%w: two storages with the key %q", ErrFormat, s.key)
	}
	m.storages[s.key] = s
	return m.push(s)
}
