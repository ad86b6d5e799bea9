package pickle

import "fmt"

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
