package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// LocalProcessGroups returns the members of a group whose ranks are goroutines of this process, each with its own [Run]:
// for tests of what ranks compute together. Sums are added up in the order of the ranks. FreeLocal releases a member.
func LocalProcessGroups(ranks int) ([]*ProcessGroup, error) {
	if ranks < 1 {
		return nil, fmt.Errorf("autograd: local process groups: %d ranks; want at least one", ranks)
	}
	members, err := native.LocalGroups(ranks)
	if err != nil {
		return nil, fmt.Errorf("autograd: local process groups: %w", err)
	}
	group := make([]*ProcessGroup, ranks)
	for i, c := range members {
		group[i] = &ProcessGroup{c: c, rank: i, size: ranks}
	}
	return group, nil
}

// CancelLocal lets all operations of a group of [LocalProcessGroups] fail on all ranks, those in progress too.
func (p *ProcessGroup) CancelLocal(why error) { p.c.CancelLocal(why.Error()) }

// FreeLocal releases a member of [LocalProcessGroups].
func (p *ProcessGroup) FreeLocal() { p.c.FreeLocal() }
