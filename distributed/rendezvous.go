package distributed

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
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
// A session may be a refusal instead, which has no S/go.
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

// rendezvous returns the session that all ranks have joined.
func rendezvous(ctx context.Context, s *store, me member, warn func(string)) (session, error) {
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
	return (&joining{store: s, me: me, before: before}).run(ctx, warn)
}

// joining is the part of the other ranks in the rendezvous.
type joining struct {
	store  *store
	me     member
	before session // that the store held at first: of an earlier attempt, or of a group that has begun without this process
	beat   []byte  // the heartbeat of rank 0 in it
	read   string  // the last session that this rank has answered
}

// run waits for a session with this rank.
func (j *joining) run(ctx context.Context, warn func(string)) (session, error) {
	for begin, warned := time.Now(), false; ; {
		now, started, err := j.look(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return session{}, fmt.Errorf("distributed: %v has met rank 0's store, but rank 0 has not begun: not all of the %d ranks have joined; rank 0 says which are missing: %w", j.me, j.me.Size, err)
		case err != nil || started:
			return now, err
		case !warned && time.Since(begin) > warnTime:
			warned = true
			warn(fmt.Sprintf("waiting until all of the %d ranks have joined", j.me.Size))
		}
		if err := sleep(ctx, pollTime); err != nil && ctx.Err() == nil {
			return session{}, err
		}
	}
}

// look reads what rank 0 proposes, answers, and reports whether the group has begun.
func (j *joining) look(ctx context.Context) (now session, started bool, err error) {
	now, err = readSession(ctx, j.store)
	switch {
	case err != nil || now.Name == "":
		return now, false, err
	case now.Name == j.before.Name:
		return now, false, j.beganWithout(ctx)
	case now.Refusal != "":
		return now, false, j.refused(ctx, now)
	case j.absent(now) == nil:
		if now.Name != j.read {
			j.read = now.Name
			return now, false, j.store.set(ctx, now.Name+"/"+beat(j.me.Rank), nil)
		}
		started, err = j.store.has(ctx, now.Name+"/go")
		return now, started, err
	}
	if began, err := j.store.has(ctx, now.Name+"/go"); err != nil || !began {
		return now, false, err
	}
	return now, false, j.absent(now)
}

// refused is the error of a group that is refused. It is nil when this process was not seen yet: it may be the remedy.
func (j *joining) refused(ctx context.Context, now session) error {
	if j.absent(now) != nil {
		return nil
	}
	return cmp.Or(j.store.set(ctx, now.Name+"/"+beat(j.me.Rank), nil), errors.New("distributed: "+now.Refusal))
}

// absent is why a session is not this process'; nil if it is.
func (j *joining) absent(s session) error {
	if j.me.Rank >= len(s.Members) {
		return errors.New("distributed: " + refusal(s.Members[0], j.me))
	}
	if other := s.Members[j.me.Rank]; other.Nonce != j.me.Nonce {
		return fmt.Errorf("distributed: rank %d exists twice: %v has joined, and this is pid %d on %s; give each process a rank of its own",
			j.me.Rank, other, j.me.PID, j.me.Host)
	}
	return nil
}

// beganWithout is the error of a process that comes when the group of another process with its rank has begun: its rank 0 has new
// heartbeats.
func (j *joining) beganWithout(ctx context.Context) error {
	b, err := j.store.get(ctx, j.before.Name+"/"+beat(0))
	if err != nil {
		return err
	}
	if j.beat != nil && !bytes.Equal(b, j.beat) {
		return j.absent(j.before)
	}
	j.beat = append([]byte{}, b...)
	return nil
}

// readSession reads what rank 0 proposes; a Name of "": nothing yet.
func readSession(ctx context.Context, s *store) (session, error) {
	b, err := s.get(ctx, welcome)
	if err != nil || b == nil {
		return session{}, err
	}
	return parseSession(b)
}

// parseSession reads what rank 0 proposes.
func parseSession(b []byte) (session, error) {
	var now session
	if err := json.Unmarshal(b, &now); err != nil || now.Name == "" || len(now.Members) == 0 {
		return now, fmt.Errorf("distributed: the store has an entry %s that no rank wrote: %q", welcome, b)
	}
	return now, nil
}

func encode(v any) []byte {
	b, _ := json.Marshal(v) // strings and numbers
	return b
}
