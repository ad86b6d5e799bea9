package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// Array is a tensor to write, row-major.
type Array struct {
	Shape  []int
	Values any // []float32 or []int64
}

// OrderedDict is a Dict that is written as a collections.OrderedDict, which is what state dicts are.
type OrderedDict Dict

// Object is an instance of a class with attributes.
type Object struct {
	Module, Class string
	Attributes    Dict
}

// encoder writes a pickle of protocol 2, torch.save's. Values are not shared, so that it needs no memo.
type encoder struct {
	text   []byte
	arrays []Array // storage i holds arrays[i]
}

// encode writes nil, bool, int, float64, string, *Dict, *OrderedDict, *Object and Array.
func encode(root any) (text []byte, storages []Array, err error) {
	e := encoder{text: []byte{0x80, 2}} // PROTO
	if err := e.value(root); err != nil {
		return nil, nil, err
	}
	return append(e.text, '.'), e.arrays, nil
}

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.text = append(e.text, 'N')
	case bool:
		e.text = append(e.text, map[bool]byte{false: 0x89, true: 0x88}[v])
	case int:
		return e.integer(v)
	case float64:
		e.text = binary.BigEndian.AppendUint64(append(e.text, 'G'), math.Float64bits(v))
	case string:
		e.string(v)
	case *Dict:
		e.text = append(e.text, '}')
		return e.items(v)
	case *OrderedDict:
		e.call("collections", "OrderedDict")
		return e.items((*Dict)(v))
	case *Object:
		e.global(v.Module, v.Class)
		e.text = append(e.text, ')', 0x81, '}') // EMPTY_TUPLE, NEWOBJ
		if err := e.items(&v.Attributes); err != nil {
			return err
		}
		e.text = append(e.text, 'b')
	case Array:
		return e.array(v)
	default:
		return fmt.Errorf("pickle: a %T cannot be written", v)
	}
	return nil
}

func (e *encoder) integer(v int) error {
	switch {
	case v >= 0 && v <= math.MaxUint8:
		e.text = append(e.text, 'K', byte(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		e.text = binary.LittleEndian.AppendUint32(append(e.text, 'J'), uint32(int32(v)))
	default:
		return fmt.Errorf("pickle: the integer %d has more than 32 bits", v)
	}
	return nil
}

func (e *encoder) string(s string) {
	e.text = binary.LittleEndian.AppendUint32(append(e.text, 'X'), uint32(len(s)))
	e.text = append(e.text, s...)
}

func (e *encoder) global(module, name string) {
	e.text = append(e.text, "c"+module+"\n"+name+"\n"...)
}

// call calls a function without arguments.
func (e *encoder) call(module, name string) {
	e.global(module, name)
	e.text = append(e.text, ')', 'R')
}

// items sets the items of the dict on the stack.
func (e *encoder) items(d *Dict) error {
	if len(d.Keys) != len(d.Values) {
		return fmt.Errorf("pickle: %d keys and %d values", len(d.Keys), len(d.Values))
	}
	e.text = append(e.text, '(')
	for i, key := range d.Keys {
		if err := e.value(key); err != nil {
			return err
		}
		if err := e.value(d.Values[i]); err != nil {
			return err
		}
	}
	e.text = append(e.text, 'u')
	return nil
}

// array writes _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) of a storage of its own.
func (e *encoder) array(a Array) error {
	class, n := "FloatStorage", 0
	switch values := a.Values.(type) {
	case []float32:
		n = len(values)
	case []int64:
		class, n = "LongStorage", len(values)
	default:
		return fmt.Errorf("pickle: an array of %T cannot be written", a.Values)
	}
	stride, size := make([]int, len(a.Shape)), 1
	for i := len(a.Shape) - 1; i >= 0; i-- {
		stride[i] = size
		size *= a.Shape[i]
	}
	if size != n {
		return fmt.Errorf("pickle: %d values for the shape %v", n, a.Shape)
	}
	e.global("torch._utils", "_rebuild_tensor_v2")
	e.text = append(e.text, '(', '(')
	e.string("storage")
	e.global("torch", class)
	e.string(strconv.Itoa(len(e.arrays)))
	e.string("cpu")
	if err := e.integer(n); err != nil {
		return err
	}
	e.text = append(e.text, 't', 'Q', 'K', 0) // the storage, its offset
	for _, list := range [][]int{a.Shape, stride} {
		e.text = append(e.text, '(')
		for _, d := range list {
			if err := e.integer(d); err != nil {
				return err
			}
		}
		e.text = append(e.text, 't')
	}
	e.text = append(e.text, 0x89) // no gradient
	e.call("collections", "OrderedDict")
	e.text = append(e.text, 't', 'R')
	e.arrays = append(e.arrays, a)
	return nil
}
