package launch

import "hash/fnv"

// openMPI reads the variables of mpirun. It has no address for a store: several machines need MASTER_ADDR.
func (v *variables) openMPI() Env {
	e := Env{Launcher: OpenMPI, Rank: v.required("OMPI_COMM_WORLD_RANK", 0), Size: v.required("OMPI_COMM_WORLD_SIZE", 1),
		LocalRank: v.required("OMPI_COMM_WORLD_LOCAL_RANK", 0), LocalSize: v.required("OMPI_COMM_WORLD_LOCAL_SIZE", 1)}
	v.within(e.Rank, e.Size, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
	v.within(e.LocalRank, e.LocalSize, "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE")
	v.agreeWithTorch(e, names{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"})
	e.RunID = v.text(v.firstOf("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"))
	e.Host = v.text("MASTER_ADDR")
	switch {
	case e.Host != "":
	case e.LocalSize >= e.Size:
		e.Host = localhost
	default:
		v.wrong("MASTER_ADDR is not set, and the ranks are on several machines: pass the host of rank 0, with mpirun -x MASTER_ADDR=HOST")
	}
	switch {
	case v.has("MASTER_PORT"):
		e.Port = v.port("MASTER_PORT")
	case e.RunID != "":
		e.Port = portOf(e.RunID)
	default:
		v.wrong("MASTER_PORT is not set: pass a free port of the host of rank 0, with mpirun -x MASTER_PORT=29500")
	}
	return e
}

// hydra refuses processes of MPICH's or Intel's mpiexec, which would each train by itself: they have neither an address for the
// store nor an identity to derive one from.
func (v *variables) hydra() {
	if rank, size := v.required("PMI_RANK", 0), v.required("PMI_SIZE", 1); size > 1 {
		v.wrong("this is process %d of %d that MPICH or Intel MPI started, without an address: start a shell that sets torchrun's variables, mpiexec -n %[2]d sh -c "+
			`'RANK=$PMI_RANK WORLD_SIZE=$PMI_SIZE LOCAL_RANK=$MPI_LOCALRANKID LOCAL_WORLD_SIZE=$MPI_LOCALNRANKS MASTER_ADDR=HOST MASTER_PORT=29500 exec PROGRAM ...'`, rank, size)
	}
}

// localhost is the address of a store whose clients are on its machine.
const localhost = "127.0.0.1"

// portOf returns a port for a run, the same on all ranks, and probably another one for another run: outside of the range
// from which systems take ports for outgoing connections (32768 and more; 16384 and more of some).
func portOf(id string) int {
	h := fnv.New32a()
	h.Write([]byte(id)) // never fails
	return 10000 + int(h.Sum32()%6000)
}
