// Package prepare converts the published forms of MNIST and ImageNet to folders of classes.
package prepare
