package webaccess

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Limits of changes. No person or script needs more; each may make a run write a checkpoint.
const (
	changesPerSecond = 5
	maxChangeBody    = 4 << 10 // bytes
)

// LimitChanges limits the requests that change something: their number per second, and the size of their bodies. Further requests
// get status 429; the handler gets an error of type [http.MaxBytesError] from a body that is too long.
func LimitChanges(next http.Handler) http.Handler { return limitChanges(next, time.Now) }

func limitChanges(next http.Handler, now func() time.Time) http.Handler {
	var mu sync.Mutex
	var began time.Time
	count := 0
	allowed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		if t := now(); t.Sub(began) >= time.Second || t.Before(began) {
			began, count = t, 0
		}
		count++
		return count <= changesPerSecond
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			if !allowed() {
				w.Header().Set("Retry-After", "1")
				Fail(w, http.StatusTooManyRequests, fmt.Sprintf("too many changes: at most %d per second; try again in a second", changesPerSecond))
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxChangeBody)
		}
		next.ServeHTTP(w, r)
	})
}
