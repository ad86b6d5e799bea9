package distributed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The ranks meet in the store before they connect to each other, so that each knows all others by name, and what cannot work
// together is refused with names. A launcher that restarts ranks may offer the store of an earlier attempt with its entries,
// under the same names; therefore:
//
//	hello/R    each rank writes what it is, with a nonce
//	welcome    rank 0 writes all members, as a new session, when it has read all hellos, and again when one has changed
//	S/beat/R   each rank writes a first heartbeat when it has read the session S and its own nonce is in it
//	S/go       rank 0 writes that all have
//
// Only entries under a session's name are used after that.

// A session is the list of members that rank 0 proposes.
type session struct {
	Name    string
	Members []member
	Refusal string // why there is no group
}

const welcome = "welcome"

func hello(rank int) string { return "hello/" + strconv.Itoa(rank) }
func beat(rank int) string  { return "beat/" + strconv.Itoa(rank) }
func left(rank int) string  { return "left/" + strconv.Itoa(rank) }

// meet returns the session that all ranks have joined.
func meet(ctx context.Context, s *store, me member, warn func(string)) (session, error) {
	before, err := readSession(ctx, s)
	if err != nil {
		return session{}, err
	}
	if err := s.set(ctx, hello(me.Rank), encode(me)); err != nil {
		return session{}, err
	}
	if me.Rank == 0 {
		h := &hosting{store: s, me: me, warn: warn, members: make([]member, me.Size), begin: time.Now()}
		h.members[0] = me
		return h.run(ctx)
	}
	return join(ctx, s, me, before.Name, warn)
}

// join waits for a session with this rank.
func join(ctx context.Context, s *store, me member, before string, warn func(string)) (session, error) {
	begin, acknowledged, warned := time.Now(), "", false
	for {
		now, err := readSession(ctx, s)
		switch {
		case err != nil && ctx.Err() != nil:
			return session{}, fmt.Errorf("distributed: %v has met rank 0's store, but rank 0 has not begun: not all of the %d ranks have joined; rank 0 says which are missing: %w", me, me.Size, err)
		case err != nil:
			return session{}, err
		case now.Name == "" || now.Name == before: // none yet
		case now.Refusal != "":
			return session{}, errors.New("distributed: " + now.Refusal)
		case me.Rank >= len(now.Members):
			return session{}, errors.New("distributed: " + refusal(now.Members[0], me))
		case now.Members[me.Rank].Nonce != me.Nonce:
			started, err := s.has(ctx, now.Name+"/go")
			if err != nil {
				return session{}, err
			}
			if started {
				return session{}, fmt.Errorf("distributed: rank %d exists twice: %v has joined, and this is pid %d on %s; give each process a rank of its own",
					me.Rank, now.Members[me.Rank], me.PID, me.Host)
			}
		case now.Name != acknowledged:
			if err := s.set(ctx, now.Name+"/"+beat(me.Rank), nil); err != nil {
				return session{}, err
			}
			acknowledged = now.Name
		default:
			started, err := s.has(ctx, now.Name+"/go")
			if err != nil || started {
				return now, err
			}
		}
		if !warned && time.Since(begin) > warnTime {
			warned = true
			warn(fmt.Sprintf("waiting until all of the %d ranks have joined", me.Size))
		}
		if err := sleep(ctx, pollTime); err != nil && ctx.Err() == nil {
			return session{}, err
		}
	}
}

// hosting is rank 0's part of the meeting.
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
		changed, err := h.readHellos(ctx)
		if err != nil {
			return session{}, h.incomplete(ctx, err)
		}
		if refused := h.refusal(); refused != "" {
			h.session = session{Name: h.me.Nonce, Members: h.members, Refusal: refused}
			err := h.store.set(ctx, welcome, encode(h.session))
			return session{}, errors.Join(errors.New("distributed: "+refused), err)
		}
		complete := len(h.missing()) == 0
		if complete && (changed || h.session.Name == "") {
			if err := h.propose(ctx); err != nil {
				return session{}, err
			}
		}
		if complete {
			if ready, err := h.acknowledged(ctx); err != nil {
				return session{}, h.incomplete(ctx, err)
			} else if ready {
				return h.session, h.store.set(ctx, h.session.Name+"/go", []byte("1"))
			}
		}
		h.remind()
		if err := sleep(ctx, pollTime); err != nil {
			return session{}, h.incomplete(ctx, err)
		}
	}
}

// propose writes a new session.
func (h *hosting) propose(ctx context.Context) error {
	h.session = session{Name: "session/" + newNonce(), Members: slices.Clone(h.members)}
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
		var m member
		if err := json.Unmarshal(b, &m); err != nil || m.Rank != r {
			return false, fmt.Errorf("distributed: the store has an entry %s that no rank wrote: %q", hello(r), b)
		}
		changed = changed || m != h.members[r]
		h.members[r] = m
	}
	return changed, nil
}

// refusal says why these members cannot form a group.
func (h *hosting) refusal() string {
	if h.members[0].Nonce != h.me.Nonce {
		return fmt.Sprintf("rank 0 exists twice: %v, and pid %d on %s; give each process a rank of its own", h.members[0], h.me.PID, h.me.Host)
	}
	for _, m := range h.members[1:] {
		if m.Nonce == "" {
			continue
		}
		if refused := refusal(h.me, m); refused != "" {
			return refused
		}
	}
	return ""
}

func (h *hosting) acknowledged(ctx context.Context) (bool, error) {
	for r := 1; r < len(h.members); r++ {
		if ready, err := h.store.has(ctx, h.session.Name+"/"+beat(r)); err != nil || !ready {
			return false, err
		}
	}
	return true, nil
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
	if ctx.Err() == nil || len(missing) == 0 {
		return err
	}
	return fmt.Errorf("distributed: %s did not join%s: %w; check that they run and that they reach the store", rankList(missing), h.present(), err)
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

// readSession reads what rank 0 proposes; a Name of "": nothing yet.
func readSession(ctx context.Context, s *store) (session, error) {
	var now session
	b, err := s.get(ctx, welcome)
	if err != nil || b == nil {
		return now, err
	}
	if err := json.Unmarshal(b, &now); err != nil || len(now.Members) == 0 {
		return now, fmt.Errorf("distributed: the store has an entry %s that no rank wrote: %q", welcome, b)
	}
	return now, nil
}

func encode(v any) []byte {
	b, _ := json.Marshal(v) // strings and numbers
	return b
}
