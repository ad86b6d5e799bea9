package remote

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// quick are limits of which a hostile server reaches those of numbers at once. Tests of silent servers
// shorten the times.
func quick() limits {
	l := standard
	l.pages, l.keys = 20, 50
	return l
}

const content = "0123456789"

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// drip sends bytes with pauses until the client leaves.
func drip(every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000000")
		for r.Context().Err() == nil {
			w.Write([]byte{'x'})
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(every):
			}
		}
	}
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// TestSilentAndSlowServers: every wait has an end, and a retry may succeed.
func TestSilentAndSlowServers(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		short   func(*limits)
		want    string
	}{
		{"no answer", hang, func(l *limits) { l.answer = 100 * time.Millisecond }, "did not answer within 100ms"},
		{"a header without a body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.(http.Flusher).Flush()
			hang(w, r)
		}, func(l *limits) { l.idle = 100 * time.Millisecond }, "sent nothing for 100ms"},
		{"a byte from time to time", drip(20 * time.Millisecond), func(l *limits) { l.window = 100 * time.Millisecond }, "less than 4096 bytes a second"},
		{"a truncated body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "01234567")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, func(*limits) {}, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			l := quick()
			c.short(&l)
			o := newOpener(l)
			defer o.Close()
			_, err := readAt(t.Context(), o, server.URL)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, fs.ErrPermission) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestWaitingForTheReaderIsNotSlow: only the time in Read counts.
func TestWaitingForTheReaderIsNotSlow(t *testing.T) {
	server := httptest.NewServer(typed("ETag", "1"))
	defer server.Close()
	l := quick()
	l.idle, l.window, l.rate = time.Minute, 100*time.Millisecond, 1<<40
	o := newOpener(l)
	defer o.Close()
	body, _, err := o.Open(t.Context(), server.URL, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	time.Sleep(2 * l.window)
	if text, err := io.ReadAll(body); string(text) != content || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestBucketsThatHang: each request of the clients of buckets has a limit.
func TestBucketsThatHang(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	server := httptest.NewServer(http.HandlerFunc(hang))
	defer server.Close()
	l := quick()
	l.answer, l.short, l.list = 50*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	for _, address := range []string{"s3://bucket/f?region=x-1&use_path_style=true&endpoint=", "gs://bucket/f?anonymous=true&endpoint="} {
		o := newOpener(l)
		_, statErr := o.Stat(t.Context(), address+server.URL)
		_, listErr := o.List(t.Context(), address+server.URL)
		_, _, openErr := o.Open(t.Context(), address+server.URL, 0)
		for i, err := range []error{statErr, listErr, openErr} {
			if err == nil || !strings.Contains(err.Error(), "within") && !strings.Contains(err.Error(), "took more than") {
				t.Errorf("%s, call %d: error %v", address, i, err)
			}
		}
		o.Close()
	}
}

// blockedTokens is a metadata server that never answers.
type blockedTokens struct{ wait chan struct{} }

func (b blockedTokens) Token() (*oauth2.Token, error) {
	<-b.wait
	return nil, errors.New("late")
}

func TestTokensAreBounded(t *testing.T) {
	blocked := blockedTokens{make(chan struct{})}
	defer close(blocked.wait)
	if _, err := (boundedTokens{blocked, time.Millisecond}).Token(); err == nil || !strings.Contains(err.Error(), "no token within 1ms") {
		t.Errorf("error %v", err)
	}
}

// TestBudgets: the bounds of a call do not apply to a client that outlives it.
func TestBudgets(t *testing.T) {
	ctx := withBudget(t.Context(), 1, 10)
	if b := budgetOf(ctx); !b.request() || b.request() || !b.read(10) || b.read(1) {
		t.Error("a budget of one request and ten bytes allows others")
	}
	if b := budgetOf(withoutBudget(ctx)); !b.request() || !b.read(1<<40) {
		t.Error("a context without a budget has bounds")
	}
}
