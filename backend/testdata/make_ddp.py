"""Writes ddp.safetensors: a training step of two ranks with PyTorch's DistributedDataParallel on gloo, in float64.

usage: make_ddp.py OUT_DIR        (needs torch, numpy, safetensors)

The network "paper" of make_reference.py, whose images are divided between the
ranks: the gradient of every parameter after the all-reduce ("grad/NAME"), and
the running statistics of each rank after the step ("rank0/NAME", "rank1/NAME").
"""
import os, sys
import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch.nn.parallel import DistributedDataParallel

from make_reference import BATCH, CLASSES, SMOOTHING, Network, values

RANKS, RESOLUTION = 2, 32


class Module(torch.nn.Module):
    def __init__(self, images):
        super().__init__()
        self.net = Network(bias=False, same=False, eps=1e-5, momentum=0.1)
        self.net(images, False)  # makes the parameters
        self.names = list(self.net.parameters)
        self.list = torch.nn.ParameterList([torch.nn.Parameter(p.detach()) for p in self.net.parameters.values()])
        self.net.parameters = dict(zip(self.names, self.list))

    def forward(self, x):
        return self.net(x, True)


def step(rank, folder, store):
    dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=RANKS)
    images = values("images", (BATCH, 3, RESOLUTION, RESOLUTION), -1.75, 1.75).chunk(RANKS)[rank]
    labels = (torch.arange(BATCH) * 3 % CLASSES).chunk(RANKS)[rank]
    module = Module(images)
    ddp = DistributedDataParallel(module)
    F.cross_entropy(ddp(images), labels, label_smoothing=SMOOTHING).backward()
    buffers = [None] * RANKS
    dist.all_gather_object(buffers, module.net.buffers)
    if rank == 0:
        out = {"grad/" + k: p.grad for k, p in module.net.parameters.items()}
        out |= {f"rank{r}/{k}": b for r in range(RANKS) for k, b in buffers[r].items()}
        save_file({k: v.numpy().astype(np.float32) for k, v in out.items()}, os.path.join(folder, "ddp.safetensors"))
    dist.destroy_process_group()


if __name__ == "__main__":
    folder = os.path.abspath(sys.argv[1])
    store = os.path.join(folder, "ddp.store")
    mp.spawn(step, (folder, store), RANKS)
    if os.path.exists(store):
        os.remove(store)
