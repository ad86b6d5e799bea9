package hdf5

import "fmt"

// messageType identifies a message of an object header.
type messageType uint16

const (
	msgDataspace    messageType = 0x01
	msgLinkInfo     messageType = 0x02
	msgDatatype     messageType = 0x03
	msgLink         messageType = 0x06
	msgExternal     messageType = 0x07
	msgLayout       messageType = 0x08
	msgGroupInfo    messageType = 0x0a
	msgFilters      messageType = 0x0b
	msgAttribute    messageType = 0x0c
	msgContinuation messageType = 0x10
	msgSymbolTable  messageType = 0x11
)

// message is one message of an object header.
type message struct {
	kind   messageType
	shared bool // data is a reference to the message, not the message
	data   []byte
}

// maxMessages bounds the messages of an object. Keras' largest objects have about 20.
const maxMessages = 1 << 14

// messages reads the object header at an address.
func (f *File) messages(address uint64) ([]message, error) {
	start, err := f.at(address, 4)
	if err != nil {
		return nil, err
	}
	h := headerReader{f: f}
	switch {
	case string(start) == "OHDR":
		err = h.version2(address)
	case start[0] == 1:
		err = h.version1(address)
	default:
		return nil, fmt.Errorf("%w: no object header at %d", ErrFormat, address)
	}
	if err != nil {
		return nil, fmt.Errorf("object header at %d: %w", address, err)
	}
	return h.list, nil
}

// headerReader collects the messages of an object from its blocks.
type headerReader struct {
	f    *File
	list []message
	next []extent // continuation blocks that are not read yet
	// ordered: messages of version 2 have a creation order.
	ordered bool
}

// extent is a part of the file.
type extent struct{ address, length uint64 }

func (h *headerReader) version1(address uint64) error {
	b, err := h.f.at(address, 16)
	if err != nil {
		return err
	}
	c := &cursor{b: b, at: 8} // version, reserved, number of messages, references
	h.next = []extent{{address + 16, c.uint(4)}}
	return h.blocks(func(e extent) error {
		b, err := h.f.at(e.address, e.length)
		if err != nil {
			return err
		}
		for c := (&cursor{b: b}); len(b)-c.at >= 8; {
			kind, size, flags := messageType(c.uint(2)), int(c.uint(2)), c.uint(1)
			c.skip(3)
			if err := h.add(message{kind, flags&2 != 0, c.bytes(size)}, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *headerReader) version2(address uint64) error {
	b, err := h.f.at(address, min(34, h.f.size-min(h.f.size, h.f.base+address)))
	if err != nil {
		return err
	}
	c := &cursor{b: b, at: 5} // signature, version
	flags := c.uint(1)
	if flags&0x20 != 0 {
		c.skip(16) // times
	}
	if flags&0x10 != 0 {
		c.skip(4) // limits of attributes
	}
	size := c.uint(1 << (flags & 3))
	if c.err != nil {
		return c.err
	}
	h.ordered = flags&4 != 0
	h.next = []extent{{address + uint64(c.at), size}}
	first := true
	return h.blocks(func(e extent) error {
		b, err := h.f.at(e.address, e.length)
		if err != nil {
			return err
		}
		if !first {
			if len(b) < 8 || string(b[:4]) != "OCHK" {
				return fmt.Errorf("%w: no OCHK at %d", ErrFormat, e.address)
			}
			b = b[4 : len(b)-4] // the checksum
		}
		first = false
		return h.messages2(b)
	})
}

// messages2 reads the messages of a block of version 2.
func (h *headerReader) messages2(b []byte) error {
	fixed := 4
	if h.ordered {
		fixed = 6
	}
	for c := (&cursor{b: b}); len(b)-c.at >= fixed; {
		kind, size, flags := messageType(c.uint(1)), int(c.uint(2)), c.uint(1)
		if h.ordered {
			c.skip(2)
		}
		if err := h.add(message{kind, flags&2 != 0, c.bytes(size)}, c); err != nil {
			return err
		}
	}
	return nil
}

// blocks calls read for each block, until no message names another one.
func (h *headerReader) blocks(read func(extent) error) error {
	for len(h.next) > 0 {
		e := h.next[0]
		h.next = h.next[1:]
		if err := read(e); err != nil {
			return err
		}
	}
	return nil
}

// add appends a message that c has read, or remembers the block that it names.
func (h *headerReader) add(m message, c *cursor) error {
	if c.err != nil {
		return c.err
	}
	if len(h.list) >= maxMessages || len(h.next) >= maxMessages {
		return fmt.Errorf("%w: more than %d messages", ErrFormat, maxMessages)
	}
	if m.kind != msgContinuation {
		h.list = append(h.list, m)
		return nil
	}
	to := &cursor{b: m.data}
	h.next = append(h.next, extent{h.f.address(to), h.f.length(to)})
	return to.err
}

// find returns the first message of a type. A shared one is an error: h5py shares committed datatypes only.
func find(list []message, kind messageType) (data []byte, ok bool, err error) {
	for _, m := range list {
		if m.kind == kind {
			if m.shared {
				return nil, false, fmt.Errorf("%w: a shared message of type %#x", ErrUnsupported, kind)
			}
			return m.data, true, nil
		}
	}
	return nil, false, nil
}
