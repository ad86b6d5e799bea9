// Package httpserver answers HTTP requests with the classes and embeddings of images: several models by name, which are
// loaded again when their weights change, limits on everything that a client decides, metrics, and an end without lost
// requests. It knows models as an interface ([Model]) and needs no libtorch; package serving/source opens weights as one.
//
// [New] opens the models. The [Server] is an [http.Handler] for other servers, and serves a listener by itself
// ([Server.Serve]).
package httpserver
