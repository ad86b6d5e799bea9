package pickle

import (
	"fmt"

	"depthwise.dev/internal/floats"
)

// The values of a pickle are nil (None), bool, int64, float64, string, []byte, Tuple, *List, *Dict, *Tensor, and the
// types below that hold no data.

// Tuple is Python's.
type Tuple []any

// List is a list or a set.
type List struct{ Items []any }

// Dict is a dict or an OrderedDict, in the order of insertion.
type Dict struct{ Keys, Values []any }

// Get returns the value of a text key; nil if there is none.
func (d *Dict) Get(key string) any {
	for i, k := range d.Keys {
		if text, ok := k.(string); ok && text == key {
			return d.Values[i]
		}
	}
	return nil
}

// global is a class or function by its name.
type global struct{ name string }

// opaque is an object of a harmless class, whose content is not needed.
type opaque struct{ global string }

// bigInt is an integer of more than 64 bits, little-endian.
type bigInt []byte

// storage is the memory of tensors.
type storage struct {
	key   string
	class string // torch.FloatStorage
	n     int    // elements
}

// Tensor is a view of a storage.
type Tensor struct {
	Size, Stride []int
	storage      *storage
	offset       int // in elements
}

// element is the type of a storage's elements.
type element struct {
	size  int
	kind  floats.Type
	known bool // kind is set: the numbers can be read
}

// elements are the storages of PyTorch. The size of all must be known to find the next one in a file of the older form.
var elements = map[string]element{
	"torch.FloatStorage":         {4, floats.Float32, true},
	"torch.DoubleStorage":        {8, floats.Float64, true},
	"torch.HalfStorage":          {2, floats.Float16, true},
	"torch.BFloat16Storage":      {2, floats.BFloat16, true},
	"torch.LongStorage":          {8, floats.Int64, true},
	"torch.IntStorage":           {4, floats.Int32, true},
	"torch.ShortStorage":         {2, floats.Int16, true},
	"torch.CharStorage":          {1, floats.Int8, true},
	"torch.ByteStorage":          {1, floats.Uint8, true},
	"torch.BoolStorage":          {1, floats.Uint8, true},
	"torch.ComplexFloatStorage":  {size: 8},
	"torch.ComplexDoubleStorage": {size: 16},
	"torch.QInt8Storage":         {size: 1},
	"torch.QUInt8Storage":        {size: 1},
	"torch.QInt32Storage":        {size: 4},
}

// Type is the element type of the storage, and whether its numbers can be read.
func (t *Tensor) Type() (floats.Type, bool) {
	e := elements[t.storage.class]
	return e.kind, e.known
}

// describe names the type of a value for messages.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case *Dict:
		return "a dict"
	case *List:
		return "a list"
	case Tuple:
		return "a tuple"
	case *Tensor:
		return "a tensor"
	case opaque:
		return v.global
	case global:
		return v.name
	}
	return fmt.Sprintf("a %T", v)
}
