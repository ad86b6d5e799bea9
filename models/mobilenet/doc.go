// Package mobilenet holds MobileNet v1 (Howard et al. 2017, arXiv:1704.04861)
// as data. The paper's Table 1 is one Go table; the layers at a width, their
// padding, names, parameter and multiply-add counts, initial values and the
// forward pass are all derived from it.
//
// A [Config] says which network: a named variant fixes it, the fields may be
// changed one by one. [Config.Layers] and [Config.Summary] need nothing but the
// configuration; [New] builds the [Network] in an autograd scope.
package mobilenet
