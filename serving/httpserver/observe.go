package httpserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// requestInfo is what the log and the metrics say about a request.
type requestInfo struct {
	id, code, model string
	images          int
	cause           error
	body            io.Reader // without the limits of a handler
}

type infoKey struct{}

// infoOf returns the info of a request, which observed has added.
func infoOf(r *http.Request) *requestInfo {
	if i, ok := r.Context().Value(infoKey{}).(*requestInfo); ok {
		return i
	}
	return new(requestInfo)
}

// recorder is a writer that remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	if status == statusCanceled { // no status of HTTP, and nobody reads it
		status = http.StatusServiceUnavailable
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observed gives each request an identity, logs and counts it, and answers a panic with status 500.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		about := &requestInfo{id: requestID(r), body: r.Body}
		r = r.WithContext(context.WithValue(r.Context(), infoKey{}, about))
		out := &recorder{ResponseWriter: w}
		out.Header().Set("X-Request-ID", about.id)
		if s.draining.Load() {
			out.Header().Set("Connection", "close") // the client uses another connection for its next request
		}
		s.metrics.inFlight.Add(1)
		defer func() {
			s.metrics.inFlight.Add(-1)
			if p := recover(); p != nil {
				s.panicked(out, r, p)
			}
			s.done(out, r, about, time.Since(start))
		}()
		next.ServeHTTP(out, r)
	})
}

// panicked answers after a panic of a handler.
func (s *Server) panicked(w *recorder, r *http.Request, p any) {
	s.log.Error("panic", "request_id", infoOf(r).id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.status == 0 {
		s.fail(w, r, &failure{Code: codeInternal, Message: "the server failed; its log has the reason", status: http.StatusInternalServerError})
	}
}

// done logs and counts a request that was answered. Probes are logged at level debug.
func (s *Server) done(w *recorder, r *http.Request, about *requestInfo, took time.Duration) {
	status := max(w.status, http.StatusOK)
	name := routeName(r)
	s.metrics.request(name, status, took)
	level := slog.LevelInfo
	switch {
	case status >= 500 && status != http.StatusServiceUnavailable:
		level = slog.LevelError
	case name == "/healthz" || name == "/readyz" || name == "/metrics":
		level = slog.LevelDebug
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	attributes := []slog.Attr{slog.String("request_id", about.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("remote", r.RemoteAddr)}
	if about.images > 0 {
		attributes = append(attributes, slog.String("model", about.model), slog.Int("images", about.images), slog.Int64("bytes", r.ContentLength))
	}
	if about.code != "" {
		attributes = append(attributes, slog.String("code", about.code))
	}
	if about.cause != nil {
		attributes = append(attributes, slog.String("error", about.cause.Error()))
	}
	s.log.LogAttrs(r.Context(), level, "request", attributes...)
}

// routeName is the path of the route that answered, with {model} for a name: the client does not decide how many there are.
func routeName(r *http.Request) string {
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		return strings.TrimSuffix(path, "{$}")
	}
	return "other"
}

var validID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// requestID is the identity that a proxy has given a request, or a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-ID"); validID.MatchString(id) {
		return id
	}
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
