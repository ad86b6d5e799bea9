package httpserver

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
)

// form is a body of multipart/form-data: "name=value" is a field, "file:content" a file.
func form(t testing.TB, parts ...string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		var err error
		if name, value, ok := strings.Cut(p, "="); ok {
			err = w.WriteField(name, value)
		} else {
			name, value, _ := strings.Cut(p, ":")
			h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="image"; filename="` + name + `"`}}
			part, e := w.CreatePart(h)
			if err = e; err == nil {
				_, err = part.Write([]byte(value))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

const (
	catOf = `{"model":"pets","version":"1","results":[{"predictions":[{"class":"cat","index":0,"probability":0.75},{"class":"dog","index":1,"probability":0.25},{"class":"bird","index":2,"probability":0}]}]}`
	topOf = `[{"class":"cat","index":0,"probability":0.75}]`
	topIs = `[{"class":"dog","index":1,"probability":0.75}]`
)

// TestRequests: requests with their status and answer. An answer that begins with "code" is that of an error, with a part of
// its message.
func TestRequests(t *testing.T) {
	s, _ := newServer(t, two())
	many, manyBody := form(t, "model=more", "top=1", "a.jpg:cat", "b.jpg:dog", "c.jpg:bad")
	noFile, noFileBody := form(t, "top=1")
	four, fourBody := form(t, "a:cat", "b:cat", "c:cat", "d:cat")
	allBad, allBadBody := form(t, "a:bad", "b:large")
	field, fieldBody := form(t, "tops=1", "a:cat")
	for _, c := range []struct {
		name, method, target, contentType, body string
		status                                  int
		want                                    string
	}{
		{"an image", "POST", "/v1/classify", "image/jpeg", "cat", 200, catOf},
		{"no type", "POST", "/v1/classify", "", "cat", 200, catOf},
		{"curl --data-binary", "POST", "/v1/classify", "application/x-www-form-urlencoded", "cat", 200, catOf},
		{"bytes", "POST", "/v1/classify?top=1", "application/octet-stream", "cat", 200, `{"model":"pets","version":"1","results":[{"predictions":` + topOf + `}]}`},
		{"top of the query beyond the classes", "POST", "/v1/classify?top=1000", "image/png", "cat", 200, catOf},
		{"a model in the query", "POST", "/v1/classify?model=more&top=1", "image/png", "cat", 200, `{"model":"more","version":"2","results":[{"predictions":` + topOf + `}]}`},
		{"a model in the path", "POST", "/v1/models/more/classify?top=1", "image/png", "cat", 200, `{"model":"more","version":"2","results":[{"predictions":` + topOf + `}]}`},
		{"an embedding", "POST", "/v1/embed", "image/png", "cat", 200, `{"model":"pets","version":"1","results":[{"embedding":[0.5,-1]}]}`},
		{"an embedding of a model", "POST", "/v1/models/more/embed", "image/png", "cat", 200, `{"model":"more","version":"2","results":[{"embedding":[0.5,-1]}]}`},
		{"a form, one image is damaged", "POST", "/v1/classify", many, manyBody, 200, `{"model":"more","version":"2","results":[{"name":"a.jpg","predictions":` + topOf + `},{"name":"b.jpg","predictions":` + topIs + `},{"name":"c.jpg","error":{"code":"bad_image","message":"image: not an image: the image cannot be read"}}]}`},
		{"JSON", "POST", "/v1/classify", "application/json", `{"image": "Y2F0", "top": 1}`, 200, `{"model":"pets","version":"1","results":[{"predictions":` + topOf + `}]}`},
		{"JSON with a charset and a list", "POST", "/v1/classify", "application/json; charset=utf-8", `{"images": ["Y2F0", {"name": "d", "data": "ZG9n"}], "model": "more", "top": 1}`, 200, `{"model":"more","version":"2","results":[{"predictions":` + topOf + `},{"name":"d","predictions":` + topIs + `}]}`},
		{"models", "GET", "/v1/models", "", "", 200, ""},
		{"page", "GET", "/", "", "", 200, ""},
		{"live", "GET", "/healthz", "", "", 200, ""},
		{"ready", "GET", "/readyz", "", "", 200, ""},
		{"head", "HEAD", "/healthz", "", "", 200, ""},

		{"nothing", "POST", "/v1/classify", "image/png", "", 400, "bad_request curl --data-binary"},
		{"no image", "POST", "/v1/classify", "image/png", "hello", 400, "bad_image not an image"},
		{"many pixels", "POST", "/v1/classify", "image/png", "large", 413, "too_large 6000x5000"},
		{"many bytes", "POST", "/v1/classify", "image/png", strings.Repeat("x", 1001), 413, "too_large more than 1000"},
		{"a full queue", "POST", "/v1/classify", "image/png", "full", 503, "overloaded retry"},
		{"a defect", "POST", "/v1/classify", "image/png", "defect", 500, "internal the server's log"},
		{"a panic", "POST", "/v1/classify", "image/png", "panic", 500, "internal the server"},
		{"a panic of one of several images", "POST", "/v1/classify", "application/json", `{"images": ["Y2F0", "cGFuaWM="], "top": 1}`, 200, `{"model":"pets","version":"1","results":[{"predictions":` + topOf + `},{"error":{"code":"internal","message":"the model failed; the server's log has the reason"}}]}`},
		{"not finite", "POST", "/v1/classify", "image/png", "nan", 500, "internal not finite"},
		{"text", "POST", "/v1/classify", "text/plain", "cat", 415, "unsupported_media_type text/plain"},
		{"a type that does not parse", "POST", "/v1/classify", "image/", "cat", 415, "unsupported_media_type image/"},
		{"no such model", "POST", "/v1/classify?model=pet", "image/png", "cat", 404, "not_found [pets more]"},
		{"no such model in the path", "GET", "/v1/models/pet", "", "", 404, "not_found pet"},
		{"top of 0", "POST", "/v1/classify?top=0", "image/png", "cat", 400, "bad_request top=0"},
		{"top of words", "POST", "/v1/classify?top=all", "image/png", "cat", 400, "bad_request top=all"},
		{"a parameter of another tool", "POST", "/v1/classify?topk=3", "image/png", "cat", 400, "bad_request top"},
		{"another path", "POST", "/v1/clasify", "image/png", "cat", 404, "not_found /openapi.json"},
		{"another method", "GET", "/v1/classify", "", "", 405, "method_not_allowed POST"},
		{"put", "PUT", "/v1/models", "", "", 405, "method_not_allowed GET or HEAD"},
		{"a form without a file", "POST", "/v1/classify", noFile, noFileBody, 400, "bad_request no file"},
		{"a form with too many", "POST", "/v1/classify", four, fourBody, 413, "too_large 3 images"},
		{"a form without an image that is readable", "POST", "/v1/classify", allBad, allBadBody, 400, "bad_image not an image"},
		{"an unknown field of a form", "POST", "/v1/classify", field, fieldBody, 400, "bad_request tops"},
		{"half a form", "POST", "/v1/classify", many, manyBody[:len(manyBody)-20], 400, "bad_request incomplete"},
		{"a form without a boundary", "POST", "/v1/classify", "multipart/form-data", manyBody, 400, "bad_request boundary"},
		{"JSON without an image", "POST", "/v1/classify", "application/json", `{"top": 1}`, 400, "bad_request no image"},
		{"JSON of null", "POST", "/v1/classify", "application/json", `null`, 400, "bad_request no image"},
		{"JSON with two", "POST", "/v1/classify", "application/json", `{"image": "Y2F0", "images": ["Y2F0"]}`, 400, "bad_request one of them"},
		{"JSON with too many", "POST", "/v1/classify", "application/json", `{"images": ["Y2F0","Y2F0","Y2F0","Y2F0"]}`, 413, "too_large 3 images"},
		{"JSON with an unknown field", "POST", "/v1/classify", "application/json", `{"img": "Y2F0"}`, 400, "bad_request img"},
		{"JSON that is damaged", "POST", "/v1/classify", "application/json", `{"image": "Y2F0"`, 400, "bad_request JSON"},
		{"JSON that is a list", "POST", "/v1/classify", "application/json", `["Y2F0"]`, 400, "bad_request array"},
		{"JSON twice", "POST", "/v1/classify", "application/json", `{"image": "Y2F0"}{}`, 400, "bad_request JSON"},
		{"JSON that is no base64", "POST", "/v1/classify", "application/json", `{"images": ["Y2F0", "?"]}`, 400, "bad_request image 1: no base64"},
		{"JSON with an empty image", "POST", "/v1/classify", "application/json", `{"image": ""}`, 400, "bad_request empty"},
		{"JSON with a number", "POST", "/v1/classify", "application/json", `{"image": 3}`, 400, "bad_request base64"},
		{"JSON with top as a text", "POST", "/v1/classify", "application/json", `{"image": "Y2F0", "top": "3"}`, 400, `bad_request "top"`},
		{"JSON with top of 0", "POST", "/v1/classify", "application/json", `{"image": "Y2F0", "top": 0}`, 400, `bad_request "top"`},
		{"JSON with another model", "POST", "/v1/classify", "application/json", `{"image": "Y2F0", "model": "x"}`, 404, `not_found "x"`},
		{"a CORS request where CORS is off", "OPTIONS", "/v1/classify", "", "", 405, "method_not_allowed POST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := call(s, c.method, c.target, c.contentType, strings.NewReader(c.body))
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if w.Header().Get("X-Request-ID") == "" {
				t.Error("no X-Request-ID")
			}
			if c.status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "1" {
				t.Error("no Retry-After")
			}
			if c.status == 200 {
				if c.want != "" && strings.TrimSpace(w.Body.String()) != c.want {
					t.Errorf("got\n%s\nwant\n%s", w.Body, c.want)
				}
				return
			}
			checkError(t, w, c.want)
		})
	}
}

// checkError compares an error with "code text", where the text is a part of its message.
func checkError(t *testing.T, w *httptest.ResponseRecorder, want string) {
	t.Helper()
	var got struct {
		Error struct {
			Code, Message string
			RequestID     string `json:"request_id"`
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	code, text, _ := strings.Cut(want, " ")
	if got.Error.Code != code || !strings.Contains(got.Error.Message, text) || got.Error.RequestID != w.Header().Get("X-Request-ID") {
		t.Errorf("error %s, want %s", w.Body, want)
	}
	if strings.Contains(w.Body.String(), "/srv") {
		t.Errorf("the answer shows a path of the server: %s", w.Body)
	}
}

// TestBase64: the spellings of base64 that clients send are one image; all others are errors.
func TestBase64(t *testing.T) {
	want := string([]byte{0xfb, 0xef, 0xff, 1})
	for _, c := range []struct{ name, text, err string }{
		{"standard", `"++//AQ=="`, ""},
		{"without padding", `"++//AQ"`, ""},
		{"URL alphabet", `"--__AQ=="`, ""},
		{"escaped slashes", `"++\/\/AQ=="`, ""},
		{"line breaks", `"++//\nAQ==\r\n"`, ""},
		{"a data URL", `"data:image/png;base64,++//AQ=="`, ""},
		{"both alphabets", `"++__AQ=="`, "no base64"},
		{"a data URL that is not base64", `"data:image/png,++//AQ=="`, ";base64"},
		{"half a byte", `"++//A"`, "no base64"},
		{"padding only", `"===="`, "empty"},
		{"a path", `"photos/cat.jpg"`, "no base64"},
		{"an unquoted text", `12`, "base64"},
	} {
		got, err := decodeImage([]byte(c.text))
		switch {
		case c.err == "" && (err != nil || string(got) != want):
			t.Errorf("%s: %q, error %v", c.name, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
	}
}

// FuzzBodies: no body panics, reads more images than allowed, or is neither read nor refused with an error of the client.
func FuzzBodies(f *testing.F) {
	contentType, body := form(f, "model=more", "a.jpg:cat", "top=2")
	for _, seed := range []struct{ contentType, body string }{
		{"image/jpeg", "cat"}, {contentType, body}, {contentType, body[:40]}, {"multipart/mixed; boundary=x", "--x--"},
		{"application/json", `{"images": ["Y2F0", {"name": "d", "data": "ZG9n"}], "model": "more", "top": 1}`},
		{"application/json", `{"image": "data:image/png;base64,Y2\/0"}`}, {"application/json", `{"images": [[{"a":"]"}], "\\\""]}`},
	} {
		f.Add(seed.contentType, seed.body)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest("POST", "/v1/classify", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		read, _, err := bodyReader(r)
		in := input{top: defaultTop}
		if err == nil {
			err = read(r, &in, 2)
		}
		if err == nil && (len(in.images) < 1 || len(in.images) > 2 || in.top < 1) {
			t.Errorf("%d images, top %d", len(in.images), in.top)
		}
		if err != nil {
			if status := readFailure(err).status; status < 400 || status > 499 {
				t.Errorf("status %d: %v", status, err)
			}
		}
	})
}

// FuzzElements: a list of valid JSON is divided as encoding/json divides it.
func FuzzElements(f *testing.F) {
	for _, seed := range []string{`[]`, `[1,2]`, `["a,b","\"],"]`, `[{"a":[1,2]},[3,[4]]]`, `[ "x" , null ]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []json.RawMessage
		if json.Unmarshal([]byte(text), &want) != nil || want == nil {
			return
		}
		got, err := elements([]byte(text), len(want))
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d elements, want %d: %v", len(got), len(want), err)
		}
		for i := range want {
			if !bytes.Equal(bytes.TrimSpace(want[i]), got[i]) {
				t.Errorf("element %d: %s, want %s", i, got[i], want[i])
			}
		}
	})
}
