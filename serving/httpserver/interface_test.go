package httpserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOpenAPI: the description lists the routes and no others, its references exist, and it lists every code and status.
func TestOpenAPI(t *testing.T) {
	s, _ := newServer(t, two())
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ Responses map[string]any }
		Components map[string]map[string]any
	}
	var whole any
	text := call(s, "GET", "/openapi.json", "", nil).Body.Bytes()
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	var described, routes []string
	for path, methods := range doc.Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range s.table() {
		routes = append(routes, strings.TrimSuffix(r.pattern, "{$}"))
	}
	slices.Sort(described)
	slices.Sort(routes)
	if !slices.Equal(described, routes) {
		t.Errorf("described %v, routes %v", described, routes)
	}
	walk(whole, func(key string, value any) {
		if ref, ok := value.(string); ok && key == "$ref" {
			parts := strings.Split(ref, "/")
			if len(parts) != 4 || doc.Components[parts[2]][parts[3]] == nil {
				t.Errorf("%s does not exist", ref)
			}
		}
	})
	codes := fmt.Sprint(doc.Components["schemas"]["Code"])
	for _, code := range []string{codeBadRequest, codeBadImage, codeUnauthorized, codeNotFound, codeMethod, codeSlowBody, codeTooLarge, codeMediaType,
		codeInternal, codeOverloaded, codeTimeout, codeStopping} {
		if !strings.Contains(codes, code) {
			t.Errorf("the codes lack %s: %s", code, codes)
		}
	}
	want := []string{"200", "400", "401", "404", "408", "413", "415", "500", "503"}
	if got := slices.Sorted(maps.Keys(doc.Paths["/v1/classify"]["post"].Responses)); doc.OpenAPI != "3.1.0" || !slices.Equal(got, want) {
		t.Errorf("OpenAPI %s, status %v", doc.OpenAPI, got)
	}
}

func walk(v any, visit func(key string, value any)) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			visit(key, value)
			walk(value, visit)
		}
	case []any:
		for _, value := range v {
			walk(value, visit)
		}
	}
}

// TestAnswersAreDescribed: the fields of answers are those of the description.
func TestAnswersAreDescribed(t *testing.T) {
	s, _ := newServer(t, two())
	var doc struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	contentType, body := form(t, "a:cat", "b:bad")
	for _, c := range []struct{ schema, method, path, contentType, body string }{
		{"Model", "GET", "/v1/models/pets", "", ""},
		{"Answer", "POST", "/v1/classify", contentType, body},
		{"Answer", "POST", "/v1/embed", contentType, body},
		{"Error", "POST", "/v1/classify", "image/png", "bad"},
	} {
		var got any
		if err := json.Unmarshal(call(s, c.method, c.path, c.contentType, strings.NewReader(c.body)).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		conform(t, doc.Components.Schemas, c.schema, doc.Components.Schemas[c.schema], got)
	}
}

// conform compares a value with a schema, as far as the description uses schemas: types, fields, required ones, lists.
func conform(t *testing.T, all map[string]map[string]any, at string, schema map[string]any, value any) {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = all[ref[strings.LastIndex(ref, "/")+1:]]
	}
	types := map[string]string{"string": "string", "number": "float64", "integer": "float64", "boolean": "bool", "object": "map[string]interface {}", "array": "[]interface {}"}
	if want := types[fmt.Sprint(schema["type"])]; fmt.Sprintf("%T", value) != want {
		t.Errorf("%s is %T, want %s", at, value, want)
		return
	}
	if allowed, ok := schema["enum"].([]any); ok && !slices.Contains(allowed, value) {
		t.Errorf("%s is %v, want one of %v", at, value, allowed)
	}
	switch v := value.(type) {
	case []any:
		for i, x := range v {
			conform(t, all, fmt.Sprintf("%s[%d]", at, i), schema["items"].(map[string]any), x)
		}
	case map[string]any:
		properties := schema["properties"].(map[string]any)
		for name, x := range v {
			if p, ok := properties[name].(map[string]any); ok {
				conform(t, all, at+"."+name, p, x)
			} else {
				t.Errorf("%s.%s is not described", at, name)
			}
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				t.Errorf("%s lacks %s", at, name)
			}
		}
	}
}

// TestToken: with a token, models and metrics need it; the page, the description and the probes do not.
func TestToken(t *testing.T) {
	c := two()
	c.Token = "0123456789abcdef"
	s, log := newServer(t, c)
	for _, route := range s.table() {
		method, path, _ := strings.Cut(strings.TrimSuffix(route.pattern, "{$}"), " ")
		path = strings.Replace(path, "{model}", "pets", 1)
		for header, allowed := range map[string]bool{"": false, "Bearer 0123456789abcdef": true, "bearer 0123456789abcdef": true,
			"Bearer 0123456789abcdeF": false, "Bearer ": false, "Basic 0123456789abcdef": false, "0123456789abcdef": false} {
			r := httptest.NewRequest(method, path, strings.NewReader("cat"))
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if want := allowed || route.open; (w.Code == 200) != want || !want && (w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer") {
				t.Errorf("%s with %q: status %d", route.pattern, header, w.Code)
			}
		}
	}
	if strings.Contains(log.String(), c.Token) {
		t.Error("the log has the token")
	}
}

// TestOrigins: pages of listed origins may call, with the token, and no others.
func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		name    string
		origins []string
		origin  string
		allowed bool
	}{
		{"off", nil, "https://a.example", false},
		{"listed", []string{"https://b.example", "https://a.example"}, "https://a.example", true},
		{"another", []string{"https://b.example"}, "https://a.example", false},
		{"all", []string{"*"}, "https://a.example", true},
		{"no browser", []string{"*"}, "", false},
	} {
		config := two()
		config.Origins, config.Token = c.origins, "0123456789abcdef"
		s, _ := newServer(t, config)
		for _, method := range []string{"OPTIONS", "GET"} {
			r := httptest.NewRequest(method, "/v1/models", nil)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			r.Header.Set("Authorization", "Bearer 0123456789abcdef")
			r.Header.Set("Access-Control-Request-Method", "GET")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			status := map[bool]int{true: 204, false: 405}[c.allowed]
			if method == "GET" {
				status = 200
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); (got == c.origin && got != "") != c.allowed || w.Code != status {
				t.Errorf("%s, %s: allowed %q, status %d", c.name, method, got, w.Code)
			}
		}
	}
}

// TestRequestID: a proxy's identity is kept if it is harmless in a log.
func TestRequestID(t *testing.T) {
	s, log := newServer(t, two())
	for id, kept := range map[string]bool{"req-1.a_B": true, "a b": false, "a\"b": false, strings.Repeat("x", 129): false, "": false} {
		r := httptest.NewRequest("GET", "/v1/models", nil)
		r.Header.Set("X-Request-ID", id)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		got := w.Header().Get("X-Request-ID")
		if (got == id) != kept || !strings.Contains(log.String(), "request_id="+got) {
			t.Errorf("%q: %q", id, got)
		}
	}
}

// TestMetrics: what the requests of a test leave in the metrics.
func TestMetrics(t *testing.T) {
	s, _ := newServer(t, two())
	for _, r := range []struct{ target, body string }{{"/v1/classify", "cat"}, {"/v1/classify", "bad"}, {"/v1/models/more/classify", "dog"}, {"/v1/models/none/classify", "dog"}, {"/a", ""}, {"/b", ""}} {
		call(s, "POST", r.target, "image/png", strings.NewReader(r.body))
	}
	text := call(s, "GET", "/metrics", "", nil).Body.String()
	for _, want := range []string{
		`depthwise_http_requests_total{route="/v1/classify",code="200"} 1`,
		`depthwise_http_requests_total{route="/v1/classify",code="400"} 1`,
		`depthwise_http_requests_total{route="/v1/models/{model}/classify",code="404"} 1`,
		`depthwise_http_requests_total{route="other",code="404"} 2`,
		`depthwise_http_request_duration_seconds_count{route="/v1/classify"} 2`,
		`depthwise_http_requests_in_flight 1`,
		`depthwise_images_total{model="pets",result="ok"} 1`,
		`depthwise_images_total{model="pets",result="bad_image"} 1`,
		`depthwise_batch_images_bucket{model="more",le="1"} 1`,
		`depthwise_image_duration_seconds_count{model="pets"} 2`,
		`depthwise_model_info{model="more",version="2",network="fake"} 1`,
		`depthwise_waiting_images{model="pets"} 0`,
		`depthwise_body_memory_bytes 0`,
		`depthwise_draining 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the metrics lack %s:\n%s", want, text)
		}
	}
}

// TestPage: the page is one file, whose script and style its policy allows.
func TestPage(t *testing.T) {
	s, _ := newServer(t, two())
	w := call(s, "GET", "/", "", nil)
	text, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	if strings.Count(policy, "'sha256-") != 2 || strings.Contains(policy, "47DEQpj8HBSa") { // the digest of nothing
		t.Errorf("policy %s", policy)
	}
	for _, forbidden := range []string{"http://", "https://", "src=\"", "<script src", "@import", "style=\"", "onclick"} {
		if strings.Contains(text, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
	for _, want := range []string{`lang="en"`, `name="viewport"`, `color-scheme`, `role="status"`, `<label`, `<noscript>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestConfig: wrong fields are named.
func TestConfig(t *testing.T) {
	good := fixed("pets", &fake{})
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no models", func(c *Config) { c.Models = nil }, "Models"},
		{"a name with a slash", func(c *Config) { c.Models[0].Name = "a/b" }, "a/b"},
		{"a name of dots", func(c *Config) { c.Models[0].Name = ".." }, ".."},
		{"two of a name", func(c *Config) { c.Models = append(c.Models, good) }, "two models"},
		{"no function", func(c *Config) { c.Models[0].Open = nil }, "Open"},
		{"negative size", func(c *Config) { c.MaxBody = -1 }, "MaxBody"},
		{"little memory", func(c *Config) { c.MaxBody, c.BodyMemory = 100, 599 }, "600"},
		{"negative time", func(c *Config) { c.Timeout = -time.Second }, "Timeout"},
		{"negative number of images", func(c *Config) { c.MaxImages = -1 }, "MaxImages"},
		{"a model that does not open", func(c *Config) {
			c.Models = append(c.Models, sourceOf("other", func() (*fake, error) { return nil, fmt.Errorf("no file") }))
		}, "model other: no file"},
	} {
		config := Config{Models: []Source{good}}
		c.change(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
