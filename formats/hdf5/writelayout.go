package hdf5

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// object is a group or a dataset with its place in the file.
type object struct {
	*Member
	address     uint64 // of the header
	dataAddress uint64 // of a dataset's elements
	members     []*object
	texts       [][]uint32 // indices in the heap of each attribute's strings, 0: an empty string
	heap        *textHeap
}

// fileLayout decides where in the file everything is: superblock, headers in depth-first order, heap, elements.
type fileLayout struct {
	objects []*object
	heap    textHeap
	end     uint64
}

// place adds an object and what is below it.
func (l *fileLayout) place(m *Member) (*object, error) {
	o := &object{Member: m, heap: &l.heap}
	l.objects = append(l.objects, o)
	if err := o.check(); err != nil {
		return nil, err
	}
	for _, a := range m.Group.Attributes {
		o.texts = append(o.texts, l.heap.add(a.Text))
	}
	if len(l.heap.texts) > maxHeapObjects {
		return nil, fmt.Errorf("group %q: more than %d strings in a file", m.Name, maxHeapObjects)
	}
	for i := range m.Group.Members {
		below, err := l.place(&m.Group.Members[i])
		if err != nil {
			return nil, fmt.Errorf("%s/%w", m.Name, err)
		}
		o.members = append(o.members, below)
	}
	return o, nil
}

// check refuses what the format cannot hold.
func (o *object) check() error {
	names := map[string]bool{}
	for _, m := range o.Group.Members {
		if m.Name == "" || strings.ContainsAny(m.Name, "/\x00") || names[m.Name] || len(m.Name) > math.MaxUint16/2 {
			return fmt.Errorf("group %q: %q cannot be the name of a member", o.Name, m.Name)
		}
		names[m.Name] = true
	}
	for _, a := range o.Group.Attributes {
		if len(a.Text) > MaxTexts || a.Scalar && len(a.Text) != 1 || a.Name == "" || len(a.Name) > 1000 {
			return fmt.Errorf("group %q: attribute %q of %d strings", o.Name, a.Name, len(a.Text))
		}
	}
	const maxMessages = math.MaxUint16 - 2
	if len(names)+len(o.Group.Attributes) > maxMessages {
		return fmt.Errorf("group %q: %d members, more than an object header holds", o.Name, len(names))
	}
	return nil
}

// data sets the addresses of all objects. The size of a header does not depend on the addresses in it.
func (l *fileLayout) data() {
	l.end = superblockSize
	for _, o := range l.objects {
		o.address = l.end
		l.end += uint64(len(o.header()))
	}
	l.heap.address = l.end
	l.end += uint64(len(l.heap.collection()))
	for _, o := range l.objects {
		o.dataAddress = undefined
		if o.Dataset != nil && o.Dataset.size() > 0 {
			o.dataAddress = l.end
			l.end += (o.Dataset.size() + 7) / 8 * 8
		}
	}
	for _, o := range slices.Backward(l.objects) { // the file ends with the last element, not with padding
		if o.Dataset != nil && o.Dataset.size() > 0 {
			l.end = o.dataAddress + o.Dataset.size()
			break
		}
	}
}

// header is the object header, version 1, section IV.A.1.a.
func (o *object) header() []byte {
	var messages []byte
	count := 0
	add := func(kind messageType, data []byte) {
		count++
		data = padded(data)
		messages = binary.LittleEndian.AppendUint16(messages, uint16(kind))
		messages = binary.LittleEndian.AppendUint16(messages, uint16(len(data)))
		messages = append(append(messages, 0, 0, 0, 0), data...) // flags, reserved
	}
	if d := o.Dataset; d != nil {
		add(msgDataspace, dataspace(d.Shape))
		add(msgDatatype, float32Type)
		add(msgLayout, contiguous(o.dataAddress, d.size()))
	} else {
		add(msgLinkInfo, linkInfo)
		add(msgGroupInfo, []byte{0, 0})
		for _, m := range o.members {
			add(msgLink, link(m.Name, m.address))
		}
	}
	for i, a := range o.Group.Attributes {
		add(msgAttribute, attribute(a, o.texts[i], o.heap.address))
	}
	b := []byte{1, 0}
	b = binary.LittleEndian.AppendUint16(b, uint16(count))
	b = binary.LittleEndian.AppendUint32(b, 1) // references
	b = binary.LittleEndian.AppendUint32(b, uint32(len(messages)))
	return append(append(b, 0, 0, 0, 0), messages...)
}

// padded extends bytes to a multiple of 8.
func padded(b []byte) []byte { return append(b, make([]byte, (8-len(b)%8)%8)...) }
