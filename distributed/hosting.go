package distributed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hosting is rank 0's part of the rendezvous.
type hosting struct {
	store   *store
	me      member
	warn    func(string)
	members []member // a Nonce of "": not seen
	session session
	begin   time.Time
	warned  bool
}

func (h *hosting) run(ctx context.Context) (session, error) {
	for {
		done, err := h.look(ctx)
		if err == nil && !done {
			h.remind()
			err = sleep(ctx, pollTime)
		}
		switch {
		case err != nil:
			return session{}, h.incomplete(ctx, err)
		case done:
			return h.session, nil
		}
	}
}

// look reads what the ranks wrote, proposes a session when it is new, and reports whether the group has begun.
func (h *hosting) look(ctx context.Context) (begun bool, err error) {
	changed, err := h.readHellos(ctx)
	if err != nil {
		return false, err
	}
	refused, by := h.refusal()
	if missing := h.missing(); refused == "" && len(missing) > 0 {
		return false, nil
	}
	if changed || h.session.Name == "" {
		if err := h.propose(ctx, refused); err != nil {
			return false, err
		}
	}
	if refused != "" {
		return false, h.refuse(ctx, by)
	}
	for r := 1; r < len(h.members); r++ {
		if read, err := h.hasRead(ctx, r); err != nil || !read {
			return false, err
		}
	}
	return true, h.store.set(ctx, h.session.Name+"/go", []byte("1"))
}

// refuse returns the refusal when the rank that is its reason has read it, and thus is alive: a hello may be of an earlier
// attempt. It then waits shortly for the others.
func (h *hosting) refuse(ctx context.Context, by int) error {
	if read, err := h.hasRead(ctx, by); by != 0 && (err != nil || !read) {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, lingerTime)
	defer cancel()
	for r, m := range h.members {
		if r > 0 && m.Nonce != "" {
			h.store.await(limited, h.session.Name+"/"+beat(r)) // in vain if it is gone
		}
	}
	return errors.New("distributed: " + h.session.Refusal)
}

// propose writes a new session, or why there is none.
func (h *hosting) propose(ctx context.Context, refused string) error {
	h.session = session{Name: "session/" + newNonce(), Members: slices.Clone(h.members), Refusal: refused}
	for _, key := range []string{failureKey, beat(0)} {
		if err := h.store.set(ctx, h.session.Name+"/"+key, nil); err != nil {
			return err
		}
	}
	return h.store.set(ctx, welcome, encode(h.session))
}

// readHellos reads what the ranks wrote, and reports whether one has changed.
func (h *hosting) readHellos(ctx context.Context) (changed bool, err error) {
	for r := range h.members {
		b, err := h.store.get(ctx, hello(r))
		if err != nil {
			return false, err
		}
		if b == nil {
			continue
		}
		m, err := parseMember(b, r)
		if err != nil {
			return false, err
		}
		changed = changed || m != h.members[r]
		h.members[r] = m
	}
	return changed, nil
}

// refusal says why these members cannot form a group, and which rank is the reason.
func (h *hosting) refusal() (refused string, by int) {
	if h.members[0].Nonce != h.me.Nonce {
		return fmt.Sprintf("rank 0 exists twice: %v, and pid %d on %s; give each process a rank of its own", h.members[0], h.me.PID, h.me.Host), 0
	}
	for r, m := range h.members[1:] {
		if m.Nonce == "" {
			continue
		}
		if refused := refusal(h.me, m); refused != "" {
			return refused, r + 1
		}
	}
	return "", -1
}

// hasRead reports whether a rank has read the session.
func (h *hosting) hasRead(ctx context.Context, rank int) (bool, error) {
	return h.store.has(ctx, h.session.Name+"/"+beat(rank))
}

// missing lists the ranks that have not come.
func (h *hosting) missing() []int {
	var ranks []int
	for r, m := range h.members {
		if m.Nonce == "" {
			ranks = append(ranks, r)
		}
	}
	return ranks
}

// remind warns once of ranks that have not come.
func (h *hosting) remind() {
	if missing := h.missing(); !h.warned && len(missing) > 0 && time.Since(h.begin) > warnTime {
		h.warned = true
		h.warn("waiting for " + rankList(missing) + h.present())
	}
}

// incomplete adds which ranks are missing to the error at the end of the time.
func (h *hosting) incomplete(ctx context.Context, err error) error {
	missing := h.missing()
	switch {
	case ctx.Err() == nil:
		return err
	case h.session.Refusal != "":
		return errors.New("distributed: " + h.session.Refusal)
	case len(missing) == 0:
		return fmt.Errorf("distributed: a rank has ended before the group began%s: %w", h.present(), err)
	}
	return fmt.Errorf("distributed: %s did not join%s: %w; check that they run, reach the store, and are the same program", rankList(missing), h.present(), err)
}

func (h *hosting) present() string {
	var here []string
	for _, m := range h.members {
		if m.Nonce != "" && len(here) < 8 {
			here = append(here, m.String())
		}
	}
	return fmt.Sprintf(" (%d of %d are here: %s)", h.me.Size-len(h.missing()), h.me.Size, strings.Join(here, ", "))
}

// rankList names ranks: "rank 3", "ranks 1, 2, 5".
func rankList(ranks []int) string {
	const most = 10
	names := make([]string, 0, most)
	for _, r := range ranks[:min(len(ranks), most)] {
		names = append(names, strconv.Itoa(r))
	}
	switch {
	case len(ranks) == 1:
		return "rank " + names[0]
	case len(ranks) > most:
		return fmt.Sprintf("ranks %s and %d more", strings.Join(names, ", "), len(ranks)-most)
	default:
		return "ranks " + strings.Join(names, ", ")
	}
}
