package autograd

import (
	"fmt"
	"time"

	"depthwise.dev/autograd/native"
)

// HasProcessGroups reports whether processes can form a group with this libtorch on this system.
func HasProcessGroups() bool { return native.HasGloo() }

// A Store is a connection to a key-value store that processes share: torch.distributed.TCPStore. A call waits until the
// connection is free and the server answers, without a limit.
type Store struct{ s native.Store }

// StoreOptions are where a store is.
type StoreOptions struct {
	Host     string
	Port     int
	Listener int           // the descriptor of a listening socket, which the store takes over to serve others; -1: another process serves
	Prefix   string        // of all keys
	Timeout  time.Duration // to connect, and of Get
}

// OpenStore connects to a store.
func OpenStore(o StoreOptions) (*Store, error) {
	s, err := native.OpenStore(o.Host, o.Port, o.Listener, o.Prefix, o.Timeout)
	if err != nil {
		return nil, fmt.Errorf("autograd: open store: %w", plain(err))
	}
	return &Store{s}, nil
}

// Set sets a key.
func (s *Store) Set(key string, value []byte) error {
	return storeError("set", key, s.s.Set(key, value))
}

// SetFirst sets a key that does not exist, and returns the value that it has now.
func (s *Store) SetFirst(key string, value []byte) ([]byte, error) {
	now, err := s.s.SetFirst(key, value)
	return now, storeError("set", key, err)
}

// Has reports whether a key exists.
func (s *Store) Has(key string) (bool, error) {
	exists, err := s.s.Has(key)
	return exists, storeError("look for", key, err)
}

// Get returns the values of keys, and waits until all of them exist.
func (s *Store) Get(keys ...string) ([][]byte, error) {
	values, err := s.s.Get(keys...)
	if len(keys) == 0 {
		return nil, err
	}
	return values, storeError("get", keys[0], err)
}

// Close closes the connection, and the store if this one serves it. No other call may be in progress.
func (s *Store) Close() { s.s.Free() }

func storeError(how, key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("autograd: store: %s %s: %w", how, key, plain(err))
}
