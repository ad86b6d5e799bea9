package data

import "testing"

// container is a shard of which nothing is read.
type container struct{ Container }

func TestKey(t *testing.T) {
	shard := Part{In: container{}}
	for _, c := range []struct {
		name, root, path string
		part             Part
		want             string
	}{
		{"a file", "/x", "/x/cat/1.png", Part{}, "cat/1.png"},
		{"of a moved folder", "/elsewhere/y", "/elsewhere/y/cat/1.png", Part{}, "cat/1.png"},
		{"in a subfolder", "/x", "/x/cat/a/1.png", Part{}, "cat/a/1.png"},
		{"another format", "/x", "/x/cat/1.jpg", Part{}, "cat/1.jpg"},
		{"a folder that is not the class", "/x", "/x/images/1.png", Part{}, "cat/images/1.png"},
		{"a name that is not UTF-8", "/x", "/x/cat/\xff.png", Part{}, "cat/\xff.png"},
		{"a member, by its source", "/x", "/x/train-000001.tar/00000017-cat-1.jpg", shard, "cat/cat-1"},
		{"the same source in another shard", "/x", "/x/train-000000.tar/00000003-cat-1.png", shard, "cat/cat-1"},
		{"a member of another program", "/x", "/x/a.tar/0001.jpg", shard, "cat/a.tar/0001"},
		{"the same name in another shard", "/x", "/x/b.tar/0001.jpg", shard, "cat/b.tar/0001"},
		{"eight digits alone", "/x", "/x/a.tar/00000017.jpg", shard, "cat/a.tar/00000017"},
		{"another Unicode form", "/x", "/x/cat/e\u0301.png", Part{}, "cat/\u00e9.png"},
		{"another Unicode form of a folder, with a name that is not UTF-8", "/x", "/x/cat/e\u0301/\xff.png", Part{}, "cat/\u00e9/\xff.png"},
		{"a member in another Unicode form", "/x", "/x/a.tar/00000017-cat-e\u0301.jpg", shard, "cat/cat-\u00e9"},
	} {
		d := &Dataset{Root: c.root, Classes: []string{"cat"}}
		if got := d.Key(Sample{Path: c.path, Part: c.part}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
