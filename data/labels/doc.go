// Package labels reads CSV files that list images with their labels, one of each image or any number.
package labels
