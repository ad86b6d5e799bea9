// Package pickle reads the tensors of files that PyTorch's torch.save wrote: zip files since version 1.6, and the older
// form. It runs no code of a pickle: an object is built only for the globals that tensors and their dictionaries need;
// some harmless ones that training checkpoints contain, such as argparse.Namespace, are read past; any other global, and
// any opcode that tensors do not need, is refused by name.
//
// Memory and time are in proportion to the file's size: values refer to each other and are not copied, and the numbers
// of a tensor are read when they are asked for.
//
// [Write] writes the zip form.
//
// Sources: Python's Lib/pickletools.py for the opcodes, torch/serialization.py and torch/_utils.py for the tensors,
// caffe2/serialize/inline_container.cc for the zip file.
package pickle
