// Package mobilenet holds the MobileNet architectures as data. Each file v*.go is one architecture: the
// paper's table as a Go table, the variants in which publishers ship it, and the function that builds its
// graph. A row of archs registers it.
//
// A [Config] selects a network: [Default] gives a variant's, whose fields may then be changed one by one.
// [Config.Graph] builds the [models.Graph], from which shapes, counts, weight names, initial values and the
// forward pass follow. Nothing here needs a tensor library; package backend computes.
package mobilenet
