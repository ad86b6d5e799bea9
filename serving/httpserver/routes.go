package httpserver

import (
	"bytes"
	_ "embed"
	"net/http"
	"slices"
	"strings"
)

// openAPI describes the interface. A test compares it with the routes, and the answers with it.
//
//go:embed openapi.json
var openAPI []byte

// route is a method and path with its handler.
type route struct {
	pattern string
	handle  http.HandlerFunc
	open    bool // without a token
}

// table lists the routes.
func (s *Server) table() []route {
	return []route{
		{"GET /{$}", s.page, true},
		{"GET /openapi.json", s.openAPI, true},
		{"GET /healthz", s.healthz, true},
		{"GET /readyz", s.readyz, true},
		{"GET /metrics", s.writeMetrics, false},
		{"GET /v1/models", s.listModels, false},
		{"GET /v1/models/{model}", s.showModel, false},
		{"POST /v1/classify", s.classify, false},
		{"POST /v1/embed", s.embed, false},
		{"POST /v1/models/{model}/classify", s.classify, false},
		{"POST /v1/models/{model}/embed", s.embed, false},
	}
}

// routes builds the handler: what every request gets, then the table.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.table() {
		if r.open {
			mux.HandleFunc(r.pattern, r.handle)
		} else {
			mux.HandleFunc(r.pattern, s.authorized(r.handle))
		}
	}
	return s.observed(s.crossOrigin(s.routed(mux)))
}

// routed answers requests that no route matches as the others are, in JSON.
func (s *Server) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if allowed := s.methods(mux, r); allowed != nil {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			s.fail(w, r, &failure{Code: codeMethod, Message: r.Method + " " + r.URL.Path + ": use " + strings.Join(allowed, " or "), status: http.StatusMethodNotAllowed})
			return
		}
		s.fail(w, r, &failure{Code: codeNotFound, Message: r.URL.Path + ": no such path; /openapi.json lists them", status: http.StatusNotFound})
	})
}

// methods lists the methods that a path has.
func (s *Server) methods(mux *http.ServeMux, r *http.Request) []string {
	var list []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" {
			list = append(list, method)
		}
	}
	return list
}

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(openAPI)
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) }

// readyz fails from the moment that the server is told to end.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		s.fail(w, r, stopping())
		return
	}
	w.Write([]byte("ready\n"))
}

// modelInfo is a model in JSON.
type modelInfo struct {
	Name       string   `json:"name"`
	Default    bool     `json:"default"`
	Network    string   `json:"network"`
	Version    string   `json:"version"`
	Loaded     string   `json:"loaded"`
	Height     int      `json:"height"`
	Width      int      `json:"width"`
	Features   int      `json:"features"`
	Classes    int      `json:"classes"`
	ClassNames []string `json:"class_names,omitempty"`
}

func (s *Server) info(m *served) modelInfo {
	g, _, _, _ := m.snapshot()
	d := g.about
	return modelInfo{Name: m.source.Name, Default: m == s.models[0], Network: d.Network, Version: d.Version,
		Loaded: g.since.UTC().Format("2006-01-02T15:04:05Z"), Height: d.Height, Width: d.Width, Features: d.Features,
		Classes: len(d.Classes), ClassNames: slices.Clone(d.Classes)}
}

func (s *Server) listModels(w http.ResponseWriter, r *http.Request) {
	list := []modelInfo{}
	for _, m := range s.models {
		i := s.info(m)
		i.ClassNames = nil // long; /v1/models/NAME has them
		list = append(list, i)
	}
	s.answer(w, r, http.StatusOK, struct {
		Models []modelInfo `json:"models"`
	}{list})
}

func (s *Server) showModel(w http.ResponseWriter, r *http.Request) {
	m, err := s.model(r.PathValue("model"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, http.StatusOK, s.info(m))
}

// page is the page to drop photographs on. It consists of one file, and its policy lets it talk to this server only.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-cache")
	w.Write(bytes.TrimSpace(pageFile))
}
