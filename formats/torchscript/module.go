package torchscript

import (
	"fmt"
	"strconv"
	"strings"

	"depthwise.dev/formats/pickle"
)

// module is a class with its arrays. All are its own attributes: there are no modules in it.
type module struct {
	names   map[string]bool // identifiers that are taken
	arrays  []attribute
	results map[string]string // variable of each layer's result, by the layer's name
}

// attribute is an array of the module.
type attribute struct {
	name   string
	buffer bool // no parameter
	array  pickle.Array
}

func newModule() *module {
	return &module{names: map[string]bool{}, results: map[string]string{}}
}

// identifier makes a name that is unique in the code from any text.
func (m *module) identifier(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, text)
	clean = strings.TrimLeft(clean, "_") // names that begin with __ are special in Python
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' {
		clean = "layer_" + clean
	}
	name := clean
	for i := 2; m.names[name]; i++ {
		name = clean + "_" + strconv.Itoa(i)
	}
	m.names[name] = true
	return name
}

// parameter adds an array and returns how the code reads it; "None" of nil.
func (m *module) parameter(text string, values []float32, shape ...int) string {
	return m.add(text, false, values, shape)
}

// buffer is parameter for an array that is not learned.
func (m *module) buffer(text string, values []float32, shape ...int) string {
	return m.add(text, true, values, shape)
}

func (m *module) add(text string, buffer bool, values []float32, shape []int) string {
	if values == nil {
		return "None"
	}
	name := m.identifier(text)
	m.arrays = append(m.arrays, attribute{name, buffer, pickle.Array{Shape: shape, Values: values}})
	return "self." + name
}

// attributes are the values of the instance in the archive.
func (m *module) attributes() pickle.Dict {
	d := pickle.Dict{Keys: []any{"training", "_is_full_backward_hook"}, Values: []any{false, nil}}
	for _, a := range m.arrays {
		d.Keys, d.Values = append(d.Keys, a.name), append(d.Values, a.array)
	}
	return d
}

// class is the code of the class with the statements of forward.
func (m *module) class(forward string) string {
	var parameters, buffers, declared strings.Builder
	for _, a := range m.arrays {
		list := &parameters
		if a.buffer {
			list = &buffers
		}
		fmt.Fprintf(list, "%q, ", a.name)
		fmt.Fprintf(&declared, "  %s : Tensor\n", a.name)
	}
	return fmt.Sprintf(`class %[1]s(Module):
  __parameters__ = [%[2]s]
  __buffers__ = [%[3]s]
  training : bool
  _is_full_backward_hook : Optional[bool]
%[4]s  def forward(self: __torch__.%[1]s,
    input: Tensor) -> Tensor:
%[5]s`, class, parameters.String(), buffers.String(), declared.String(), forward)
}
