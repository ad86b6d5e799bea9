package httpserver

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// bodyFactor is the memory of a request in relation to its body: a JSON body, the images decoded from it, and the buffers of
// its decoder; or the parts of a form, whose buffers grow.
const bodyFactor = 3

// input is what a request asks for.
type input struct {
	images []upload
	model  string // "": the default
	top    int
}

// upload is the content of an image file.
type upload struct {
	name string // the client's, or ""
	data []byte
}

// reader reads the images of a body of one type, at most maxImages.
type reader func(r *http.Request, in *input, maxImages int) error

// bodyReader returns what reads the type of a request's body, and how much memory a byte of it takes.
func bodyReader(r *http.Request) (read reader, factor int64, err error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, 0, unsupported("Content-Encoding %s: send the image as it is; its format compresses it", encoding)
	}
	header := r.Header.Get("Content-Type")
	if header == "" {
		return readRaw, 1, nil
	}
	media, _, err := mime.ParseMediaType(header)
	if err != nil {
		return nil, 0, unsupported("Content-Type %q: %v", header, err)
	}
	switch {
	case media == "multipart/form-data":
		return readForm, bodyFactor, nil
	case media == "application/json":
		return readJSON, bodyFactor, nil
	case strings.HasPrefix(media, "image/"), media == "application/octet-stream",
		media == "application/x-www-form-urlencoded": // what curl --data-binary says if it is not told
		return readRaw, 1, nil
	}
	return nil, 0, unsupported("Content-Type %s: send an image (image/jpeg, application/octet-stream), multipart/form-data, or application/json", media)
}

func unsupported(format string, args ...any) *failure {
	return &failure{Code: codeMediaType, Message: fmt.Sprintf(format, args...), status: http.StatusUnsupportedMediaType}
}

// readRaw reads a body that is an image.
func readRaw(r *http.Request, in *input, _ int) error {
	data, err := readAll(r.Body, r.ContentLength)
	if err == nil && len(data) == 0 {
		err = badRequest("the request has no body: send an image file, such as with curl --data-binary @photo.jpg")
	}
	in.images = []upload{{data: data}}
	return err
}

// readAll reads to the end. The size is that of a Content-Length, which the server has checked against its limit; negative:
// unknown.
func readAll(r io.Reader, size int64) ([]byte, error) {
	if size >= 0 {
		data := make([]byte, size)
		_, err := io.ReadFull(r, data)
		return data, err
	}
	var b bytes.Buffer
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}
