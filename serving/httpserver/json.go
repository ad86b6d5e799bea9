package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"depthwise.dev/internal/suggest"
)

// readJSON reads a body such as
//
//	{"image": "BASE64", "top": 3}
//	{"images": ["BASE64", {"name": "cat.jpg", "data": "BASE64"}], "model": "photos"}
func readJSON(r *http.Request, in *input, maxImages int) error {
	text, err := readAll(r.Body, r.ContentLength)
	if err != nil {
		return err
	}
	fields, err := objectFields(text, "image", "images", "model", "top")
	if err != nil {
		return err
	}
	if err := in.setJSON(fields); err != nil {
		return err
	}
	image, images := fields["image"], fields["images"]
	switch {
	case image != nil && images != nil:
		return badRequest(`JSON: "image" and "images": send one of them`)
	case image != nil:
		images = slices.Concat([]byte("["), image, []byte("]"))
	case images == nil:
		return badRequest(`JSON: no image: send {"image": "BASE64"} or {"images": ["BASE64", ...]}`)
	}
	in.images, err = jsonImages(images, maxImages)
	return err
}

// setJSON sets the fields that are not images.
func (in *input) setJSON(fields map[string]rawValue) error {
	if text := fields["model"]; text != nil {
		if err := json.Unmarshal(text, &in.model); err != nil {
			return badRequest(`JSON: "model" is a name, a text`)
		}
	}
	if text := fields["top"]; text != nil {
		if err := json.Unmarshal(text, &in.top); err != nil || in.top < 1 {
			return badRequest(`JSON: "top" must be a whole number of at least 1`)
		}
	}
	return nil
}

// rawValue is a value in the text that it was read from, not a copy: bodies are large.
type rawValue []byte

// UnmarshalJSON implements [json.Unmarshaler].
func (v *rawValue) UnmarshalJSON(text []byte) error {
	*v = text
	return nil
}

// objectFields returns the values of an object's fields, which must be among the known ones. Those that are null are left out.
func objectFields(text []byte, known ...string) (map[string]rawValue, error) {
	var fields map[string]rawValue
	err := json.Unmarshal(text, &fields)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil, badRequest("JSON: %s in place of an object with %s", wrong.Value, strings.Join(known, ", "))
	}
	if err != nil {
		return nil, badRequest("JSON: %v", err)
	}
	for name, value := range fields {
		if !slices.Contains(known, name) {
			return nil, badRequest("JSON: unknown field %q: %s", name, suggest.OneOf(name, known))
		}
		if string(value) == "null" {
			delete(fields, name)
		}
	}
	return fields, nil
}

// jsonImages reads a list of at most limit images: the memory of many empty ones would exceed that of the body.
func jsonImages(text []byte, limit int) ([]upload, error) {
	values, err := elements(text, limit)
	if err != nil {
		return nil, err
	}
	list := make([]upload, len(values))
	for i, v := range values {
		if list[i], err = jsonImage(v); err != nil {
			return nil, badRequest("JSON: image %d: %v", i, err)
		}
	}
	if len(list) == 0 {
		return nil, badRequest("JSON: the list of images is empty")
	}
	return list, nil
}

// jsonImage reads an image: a text in base64, or an object with name and data.
func jsonImage(text []byte) (u upload, err error) {
	if len(text) == 0 || text[0] != '{' {
		u.data, err = decodeImage(text)
		return u, err
	}
	fields, err := objectFields(text, "name", "data")
	if err != nil {
		return u, err
	}
	if name := fields["name"]; name != nil {
		if err := json.Unmarshal(name, &u.name); err != nil {
			return u, errors.New(`"name" is a text`)
		}
	}
	if fields["data"] == nil {
		return u, errors.New(`the object has no "data"`)
	}
	u.data, err = decodeImage(fields["data"])
	return u, err
}

// elements divides the text of a list, which is valid JSON, into at most limit elements.
func elements(text []byte, limit int) (list [][]byte, err error) {
	text = bytes.TrimSpace(text)
	if len(text) < 2 || text[0] != '[' {
		return nil, badRequest(`JSON: "images" is a list`)
	}
	text = text[1 : len(text)-1]
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	begin, depth, quoted := 0, 0, false
	for i := 0; i <= len(text); i++ {
		switch end := i == len(text); {
		case end || !quoted && depth == 0 && text[i] == ',':
			if len(list) == limit {
				return nil, tooManyImages(limit)
			}
			list = append(list, bytes.TrimSpace(text[begin:i]))
			begin = i + 1
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case !quoted && (text[i] == '[' || text[i] == '{'):
			depth++
		case !quoted && (text[i] == ']' || text[i] == '}'):
			depth--
		}
	}
	return list, nil
}
