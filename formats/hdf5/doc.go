// Package hdf5 reads and writes the arrays and text attributes of HDF5 files as h5py and Keras use them. It reads within
// limits: no file, however damaged or hostile, makes it use more memory or time than in proportion to the file's size.
//
// It reads superblocks of versions 0 to 3, object headers of versions 1 and 2, groups as symbol tables or as compact
// links, contiguous, compact and chunked datasets, the filters gzip and shuffle, and floating-point and integer
// numbers. What it does not read is an error that names it.
//
// It writes groups, float32 datasets and text attributes in the fewest structures that libhdf5 reads, see [Write].
//
// Specification: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
package hdf5
