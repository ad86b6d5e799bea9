package remote

import "time"

// limits bound what a server can make a program wait for or read. Tests shorten them.
type limits struct {
	connect time.Duration // for a connection, and for a TLS handshake
	answer  time.Duration // from the request to the end of the response's header
	idle    time.Duration // without a byte of the body
	window  time.Duration // of reading, in which rate bytes a second must arrive
	rate    int64         // bytes a second
	short   time.Duration // for a call that returns a description: size, version, token
	list    time.Duration // for a listing of any number of pages
	pages   int64         // requests of a listing
	keys    int           // objects of a listing
}

// standard are the limits in use.
var standard = limits{
	connect: 10 * time.Second,
	answer:  30 * time.Second, // S3 and GCS answer in seconds under load
	idle:    30 * time.Second,
	window:  time.Minute,
	rate:    4 << 10, // a hundredth of a slow mobile connection; a shard of 1 GB would take three days
	short:   time.Minute,
	list:    5 * time.Minute, // 1,000,000 keys in pages of 1,000 take 3 minutes at 200 ms each
	pages:   10_000,
	keys:    1_000_000,
}

const (
	maxRedirects = 10      // as net/http
	maxCalls     = 20      // requests of one short call: repeated by minio-go, redirected, for credentials
	maxShort     = 1 << 20 // bytes of the answers to a short call
	maxListing   = 1 << 30 // bytes of a listing: 1,000 a key
	maxAnswer    = 8 << 20 // bytes of one of these answers: a page of a listing has 1,000 keys of at most 1,024 bytes, escaped
)
