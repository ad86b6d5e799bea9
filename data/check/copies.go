package check

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"depthwise.dev/data"
)

// place identifies an image of the check.
type place struct{ split, image int }

// findCopies finds files with the same content.
func (c *checker) findCopies() {
	var labels, within []Example
	across := map[string][]Example{} // by the part of the copy
	for _, group := range c.sameContent() {
		first := c.sample(group[0])
		firstClass := c.class(group[0])
		for _, p := range group[1:] {
			path, before := c.sample(p).Path, "the same file as "+first.Path
			switch {
			case p.split != group[0].split:
				part := c.splits[p.split].name
				across[part] = append(across[part], Example{path, before})
			case c.class(p) != firstClass:
				labels = append(labels, Example{path, before})
			default:
				within = append(within, Example{path, before})
			}
		}
	}
	c.find(Serious, "copies_in_train_and_val", across["val"],
		"images of val are copies of images of train: validation accuracy would be too high. Remove one of each pair")
	c.find(Serious, "copies_in_test", across["test"],
		"images of test are copies of images of train or val: the accuracy on test would be too high. Remove one of each pair")
	c.find(Serious, "copies_with_two_labels", labels, "images are copies of images of another class: one of the labels is wrong")
	c.find(Warning, "copies", within, "images are copies of other images of their class")
}

func (c *checker) sample(p place) data.Sample { return c.splits[p.split].set.Samples[p.image] }
func (c *checker) class(p place) string {
	set := c.splits[p.split].set
	var list []string
	for class := range set.ClassesOf(c.sample(p)) {
		list = append(list, set.Classes[class])
	}
	return strings.Join(list, "\x00")
}

// sameContent returns the groups of readable images with the same bytes, in the order of their first
// image.
func (c *checker) sameContent() [][]place {
	var all []place
	for s, split := range c.splits {
		for i, e := range split.seen {
			if e.state != unreadable {
				all = append(all, place{s, i})
			}
		}
	}
	content := func(p place) []byte { return c.splits[p.split].seen[p.image].content[:] }
	inOrder := func(a, b place) int { return cmp.Or(cmp.Compare(a.split, b.split), cmp.Compare(a.image, b.image)) }
	slices.SortFunc(all, func(a, b place) int {
		return cmp.Or(bytes.Compare(content(a), content(b)), inOrder(a, b))
	})
	var groups [][]place
	for len(all) > 0 {
		n := 1
		for n < len(all) && bytes.Equal(content(all[n]), content(all[0])) {
			n++
		}
		if n > 1 {
			groups = append(groups, all[:n])
		}
		all = all[n:]
	}
	slices.SortFunc(groups, func(a, b []place) int { return inOrder(a[0], b[0]) })
	return groups
}
