package httpserver

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// decodeImage decodes a JSON text of base64: standard or URL alphabet, with or without padding and line breaks, also as a
// data URL.
func decodeImage(quoted []byte) ([]byte, error) {
	if len(quoted) < 2 || quoted[0] != '"' {
		return nil, errors.New(`must be a text in base64, or an object {"name": "cat.jpg", "data": "BASE64"}`)
	}
	text := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(text, '\\') >= 0 { // some encoders write \/, and line breaks are \n
		var s string
		if err := json.Unmarshal(quoted, &s); err != nil {
			return nil, err
		}
		text = []byte(s)
	}
	if bytes.HasPrefix(text, []byte("data:")) {
		head, rest, ok := bytes.Cut(text, []byte(","))
		if !ok || !bytes.HasSuffix(head, []byte(";base64")) {
			return nil, errors.New("a data URL of an image needs ;base64, in front of the data")
		}
		text = rest
	}
	text = bytes.TrimRight(text, "= \r\n")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	data := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(data, text)
	if err != nil {
		return nil, fmt.Errorf("no base64: %w", err)
	}
	if n == 0 {
		return nil, errors.New("the text is empty")
	}
	return data[:n], nil
}
