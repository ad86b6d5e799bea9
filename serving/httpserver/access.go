package httpserver

import (
	"net/http"
	"slices"

	"depthwise.dev/internal/webaccess"
)

// authorized requires the token, if there is one.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	if s.config.Token == "" {
		return next
	}
	token := webaccess.NewToken(s.config.Token)
	return func(w http.ResponseWriter, r *http.Request) {
		if !token.Is(webaccess.Bearer(r)) {
			s.fail(w, r, &failure{Code: codeUnauthorized, Message: `the request needs the server's token: "Authorization: Bearer TOKEN"`, status: http.StatusUnauthorized})
			return
		}
		next(w, r)
	}
}

// crossOrigin lets the pages of Config.Origins call from a browser (CORS).
func (s *Server) crossOrigin(next http.Handler) http.Handler {
	if len(s.config.Origins) == 0 {
		return next
	}
	all := slices.Contains(s.config.Origins, "*")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin, h := r.Header.Get("Origin"), w.Header()
		h.Add("Vary", "Origin")
		if origin == "" || !all && !slices.Contains(s.config.Origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "X-Request-ID, Retry-After")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Request-ID")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
