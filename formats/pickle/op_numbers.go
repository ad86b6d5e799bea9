package pickle

import (
	"encoding/binary"
	"math"
)

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
