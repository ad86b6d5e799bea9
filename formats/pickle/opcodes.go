package pickle

import "fmt"

// opcode is one instruction; run is nil for those that are refused.
type opcode struct {
	name string // pickletools'
	run  func(*machine) error
}

// opcodes by their byte. The text opcodes of protocol 0, which torch.save never writes, are refused.
var opcodes = map[byte]opcode{
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
