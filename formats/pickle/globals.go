package pickle

import (
	"fmt"
	"slices"
	"strings"
)

// builders are the globals that tensors and state dicts need, with the function that makes their value.
var builders = map[string]func(args Tuple) (any, error){
	"torch._utils._rebuild_tensor":               tensor,
	"torch._utils._rebuild_tensor_v2":            tensor,
	"torch._utils._rebuild_parameter":            firstTensor,
	"torch._utils._rebuild_parameter_with_state": firstTensor,
	"collections.OrderedDict":                    orderedDict,
}

// harmless are globals of training checkpoints that hold no weights: settings, dates, metrics of NumPy. Their objects
// are read past.
var harmless = []string{
	"argparse.Namespace", "types.SimpleNamespace",
	"collections.defaultdict", "collections.Counter", "collections.deque",
	"datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone",
	"pathlib.Path", "pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath", "pathlib.PureWindowsPath",
	"pathlib._local.PosixPath", "pathlib._local.WindowsPath",
	"_codecs.encode", // of the bytes of dates and NumPy scalars in protocol 2
	"numpy.dtype", "numpy.ndarray", "numpy.bool_", "numpy.float16", "numpy.float32", "numpy.float64", "numpy.int32", "numpy.int64", "numpy.uint8",
	rebuildWithAttributes, "torch.Size", "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter",
	"torch.float16", "torch.float32", "torch.float64", "torch.bfloat16", "torch.int8", "torch.int16", "torch.int32", "torch.int64", "torch.uint8", "torch.bool",
	"torch.strided", "torch.contiguous_format", "torch.channels_last", "torch.serialization._get_layout",
}

// harmlessBuiltins are harmless in both spellings of the module, of which protocol 2 has the older.
var harmlessBuiltins = []string{"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "slice", "str", "tuple", "unicode", "long"}

// numpyFunctions are harmless in both spellings of NumPy's inner module.
var numpyFunctions = []string{"multiarray.scalar", "multiarray._reconstruct", "numeric._frombuffer"}

// lookup returns the value of a global, or refuses it.
func lookup(module, name string) (any, error) {
	full := module + "." + name
	_, isStorage := elements[full]
	numpyName, isNumpy := cutAny(full, "numpy.core.", "numpy._core.")
	builtin, isBuiltin := cutAny(full, "builtins.", "__builtin__.")
	switch {
	case builders[full] != nil, isStorage,
		slices.Contains(harmless, full),
		isNumpy && slices.Contains(numpyFunctions, numpyName),
		isBuiltin && slices.Contains(harmlessBuiltins, builtin),
		module == "numpy.dtypes" && strings.HasSuffix(name, "DType"):
		return global{full}, nil
	}
	return nil, fmt.Errorf("%w: the global %s. Only tensors and their dictionaries are read, and no code is run; in Python, save the state dict alone: torch.save(model.state_dict(), FILE)", ErrRefused, full)
}

// cutAny cuts the first of the prefixes that s has.
func cutAny(s string, prefixes ...string) (rest string, ok bool) {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(s, p); ok {
			return rest, true
		}
	}
	return s, false
}

// call is what REDUCE and NEWOBJ do.
func call(callee any, args any) (any, error) {
	switch g := callee.(type) {
	case global:
		tuple, ok := args.(Tuple)
		if !ok {
			return nil, fmt.Errorf("%w: %s is called with %s", ErrFormat, g.name, describe(args))
		}
		// _rebuild_from_type_v2(function, class, arguments, state) makes a tensor that has attributes.
		if inner, ok := first(tuple); g.name == rebuildWithAttributes && ok && len(tuple) > 2 {
			if args, ok := tuple[2].(Tuple); ok {
				g, tuple = inner, args
			}
		}
		if build := builders[g.name]; build != nil {
			v, err := build(tuple)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", g.name, err)
			}
			return v, nil
		}
		return opaque{g.name}, nil
	case opaque:
		return g, nil
	}
	return nil, fmt.Errorf("%w: a call of %s", ErrFormat, describe(callee))
}

const rebuildWithAttributes = "torch._tensor._rebuild_from_type_v2"

// first returns a tuple's first value if it is a global.
func first(t Tuple) (g global, ok bool) {
	if len(t) > 0 {
		g, ok = t[0].(global)
	}
	return g, ok
}

// tensor is _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks), and the older function with the
// first four.
func tensor(args Tuple) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("%w: %d arguments", ErrFormat, len(args))
	}
	s, ok := args[0].(*storage)
	if !ok {
		return nil, fmt.Errorf("%w: %s in place of a storage", ErrFormat, describe(args[0]))
	}
	offset, ok := args[1].(int64)
	if !ok || offset < 0 || offset > int64(s.n) {
		return nil, fmt.Errorf("%w: offset %v", ErrFormat, args[1])
	}
	size, err := integers(args[2])
	if err != nil {
		return nil, err
	}
	stride, err := integers(args[3])
	if err != nil {
		return nil, err
	}
	t := &Tensor{Size: size, Stride: stride, storage: s, offset: int(offset)}
	return t, t.check()
}

// check reports a tensor that is not within its storage. One with more elements than its storage, which has a stride
// of 0, could be larger than any memory.
func (t *Tensor) check() error {
	if len(t.Size) != len(t.Stride) || len(t.Size) > 64 {
		return fmt.Errorf("%w: size %v with strides %v", ErrFormat, t.Size, t.Stride)
	}
	n, last := 1, t.offset
	for i, d := range t.Size {
		if d < 0 || t.Stride[i] < 0 || d > 0 && n > t.storage.n/d {
			return fmt.Errorf("%w: a tensor of size %v and strides %v of a storage of %d", ErrFormat, t.Size, t.Stride, t.storage.n)
		}
		n *= d
		if step := t.Stride[i]; d > 1 && step > 0 {
			last += min(d-1, t.storage.n/step+1) * step // at most the storage and a step more: no overflow
		}
	}
	if n > 0 && last >= t.storage.n {
		return fmt.Errorf("%w: a tensor of size %v and strides %v at %d of a storage of %d", ErrFormat, t.Size, t.Stride, t.offset, t.storage.n)
	}
	return nil
}

// integers are those of a tuple, or of a list.
func integers(v any) ([]int, error) {
	items, ok := v.(Tuple)
	if list, isList := v.(*List); isList {
		items, ok = list.Items, true
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s in place of a tuple of integers", ErrFormat, describe(v))
	}
	result := make([]int, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok || n > 1<<40 || n < -1<<40 {
			return nil, fmt.Errorf("%w: %v in place of a size", ErrFormat, describe(item))
		}
		result[i] = int(n)
	}
	return result, nil
}

// firstTensor is _rebuild_parameter(tensor, requires_grad, hooks).
func firstTensor(args Tuple) (any, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("%w: no arguments", ErrFormat)
	}
	t, ok := args[0].(*Tensor)
	if !ok {
		return nil, fmt.Errorf("%w: %s in place of a tensor", ErrFormat, describe(args[0]))
	}
	return t, nil
}

// orderedDict is OrderedDict(), or of older versions OrderedDict([[key, value], ...]).
func orderedDict(args Tuple) (any, error) {
	d := &Dict{}
	if len(args) == 0 {
		return d, nil
	}
	list, ok := args[0].(*List)
	if !ok {
		return nil, fmt.Errorf("%w: made from %s", ErrFormat, describe(args[0]))
	}
	for _, item := range list.Items {
		pair, ok := item.(Tuple)
		if l, isList := item.(*List); isList {
			pair, ok = l.Items, true
		}
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("%w: %s in place of a pair", ErrFormat, describe(item))
		}
		d.Keys, d.Values = append(d.Keys, pair[0]), append(d.Values, pair[1])
	}
	return d, nil
}

// persistent is a storage by its reference: ('storage', class, key, location, elements[, view]).
func persistent(id any) (*storage, error) {
	args, ok := id.(Tuple)
	if !ok || len(args) < 5 || args[0] != any("storage") {
		return nil, fmt.Errorf("%w: %s in place of a reference to a storage", ErrFormat, describe(id))
	}
	class, isGlobal := args[1].(global)
	key, isText := args[2].(string)
	n, isInt := args[4].(int64)
	e, isStorage := elements[class.name]
	switch {
	case !isGlobal || !isStorage:
		return nil, fmt.Errorf("%w: a storage of class %s", ErrFormat, describe(args[1]))
	case !isText || !isInt || n < 0 || n > 1<<40/int64(e.size):
		return nil, fmt.Errorf("%w: a storage with key %v of %v elements", ErrFormat, args[2], args[4])
	case len(args) > 5 && args[5] != nil:
		return nil, fmt.Errorf("%w: a view of a storage, as PyTorch before 0.4 wrote it", ErrRefused)
	}
	return &storage{key: key, class: class.name, n: int(n)}, nil
}
