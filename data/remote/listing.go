package remote

import "strings"

// listing collects the keys of a folder and refuses what no server should list: keys elsewhere, keys that
// repeat, as when the pages of a listing form a loop, and more than most.
type listing struct {
	prefix string
	most   int
	names  []string
	seen   map[string]bool
}

func (l *listing) add(key string) error {
	name, ok := strings.CutPrefix(key, l.prefix)
	switch {
	case !ok:
		return refuse("the server's listing of %q contains %q, which is elsewhere", l.prefix, clean(key))
	case l.seen[name]:
		return refuse("the server's listing repeats %q: it may have no end", clean(key))
	case len(l.names) == l.most:
		return refuse("there are more than %d objects; move the shards to a folder of their own", l.most)
	}
	l.seen[name] = true
	l.names = append(l.names, name)
	return nil
}
