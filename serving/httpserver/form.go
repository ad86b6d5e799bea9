package httpserver

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"

	"depthwise.dev/internal/suggest"
)

const maxField = 1 << 10 // bytes of a form's field that is no file

// readForm reads a form (multipart/form-data): its files are images, in their order, whatever their fields are called. The
// fields model and top are those of the query.
func readForm(r *http.Request, in *input, maxImages int) error {
	form, err := r.MultipartReader()
	if err != nil {
		return badRequest("multipart/form-data: %v", err)
	}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = readPart(part, in, maxImages)
		}
		if err != nil {
			return formError(err)
		}
	}
	if len(in.images) == 0 {
		return badRequest("the form has no file: send one, such as with curl -F image=@photo.jpg")
	}
	return nil
}

// formError says that a form is incomplete, which package multipart reports as an unexpected EOF.
func formError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return badRequest("multipart/form-data: the form is incomplete: its last line is not the closing boundary")
	}
	return err
}

func readPart(part *multipart.Part, in *input, maxImages int) error {
	if part.FileName() == "" {
		return readField(part, in)
	}
	if len(in.images) == maxImages {
		return tooManyImages(maxImages)
	}
	data, err := readAll(part, -1)
	in.images = append(in.images, upload{part.FileName(), data})
	return err
}

func tooManyImages(limit int) *failure {
	return tooLarge("the request has more than %d images: send them in several requests", limit)
}

func readField(part *multipart.Part, in *input) error {
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return err
	}
	if len(value) > maxField {
		return badRequest("the field %q of the form has no file name, and more than %d bytes: an image needs a file name", part.FormName(), maxField)
	}
	return in.set(part.FormName(), string(value))
}

// set sets a parameter of the query or a field of a form.
func (in *input) set(name, value string) error {
	switch name {
	case "model":
		in.model = value
		return nil
	case "top":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return badRequest("top=%s: must be a whole number of at least 1", value)
		}
		in.top = n
		return nil
	}
	return badRequest("unknown parameter %q: %s", name, suggest.OneOf(name, []string{"model", "top"}))
}
