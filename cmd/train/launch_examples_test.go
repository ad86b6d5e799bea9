package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/config"
)

const examples = "../../docs/examples"

// volume is one of a pod in the examples.
type volume struct {
	Name                  string
	PersistentVolumeClaim struct {
		ClaimName string `yaml:"claimName"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"persistentVolumeClaim"`
}

type resources struct{ Requests, Limits map[string]string }

// pod is a template of pods, with the fields of Kubernetes that the examples use.
type pod struct {
	Spec struct {
		RestartPolicy string `yaml:"restartPolicy"`
		Grace         int    `yaml:"terminationGracePeriodSeconds"`
		Containers    []struct {
			Name, Image   string
			Command, Args []string
			Resources     resources
			VolumeMounts  []struct {
				Name      string
				MountPath string `yaml:"mountPath"`
				ReadOnly  bool   `yaml:"readOnly"`
			} `yaml:"volumeMounts"`
		}
		Volumes []volume
	}
}

// metadata is that of every object.
type metadata struct {
	Name   string
	Labels map[string]string
}

// pyTorchJob is kubeflow.org/v1, as in the source of the Training Operator.
type pyTorchJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   metadata
	Spec       struct {
		RunPolicy struct {
			BackoffLimit   int    `yaml:"backoffLimit"`
			CleanPodPolicy string `yaml:"cleanPodPolicy"`
		} `yaml:"runPolicy"`
		Replicas map[string]struct {
			Replicas      int
			RestartPolicy string `yaml:"restartPolicy"`
			Template      pod
		} `yaml:"pytorchReplicaSpecs"`
	}
}

// trainingRuntime is trainer.kubeflow.org/v1alpha1, as in the source of Trainer, with the JobSet in it.
type trainingRuntime struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   metadata
	Spec       struct {
		MLPolicy struct {
			NumNodes int `yaml:"numNodes"`
			Torch    *struct{}
		} `yaml:"mlPolicy"`
		Template struct {
			Spec struct {
				FailurePolicy struct {
					MaxRestarts int `yaml:"maxRestarts"`
				} `yaml:"failurePolicy"`
				ReplicatedJobs []struct {
					Name     string
					Template struct {
						Metadata metadata
						Spec     struct {
							BackoffLimit int `yaml:"backoffLimit"`
							Template     pod
						}
					}
				} `yaml:"replicatedJobs"`
			}
		}
	}
}

// trainJob is of the same version.
type trainJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   metadata
	Spec       struct {
		RuntimeRef struct{ Kind, Name string } `yaml:"runtimeRef"`
		Trainer    struct {
			NumNodes         int `yaml:"numNodes"`
			Command, Args    []string
			ResourcesPerNode resources `yaml:"resourcesPerNode"`
		}
	}
}

// readYAML reads the documents of an example, which have no other fields than their types.
func readYAML(t *testing.T, name string, documents ...any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	for _, doc := range documents {
		if err := d.Decode(doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		t.Errorf("%s: more documents (%v)", name, err)
	}
}

// checkArguments parses a command line of an example.
func checkArguments(t *testing.T, args []string) {
	t.Helper()
	s := newSettings()
	cmd := configured(s)
	if err := cmd.ParseFlags(args); err != nil {
		t.Errorf("train %s: %v", strings.Join(args, " "), err)
	}
	if s.Data == "" || s.Out == "" || s.Resume != "auto" || s.Progress != "plain" {
		t.Errorf("train %s: want --data, --out, --resume auto and --progress plain", strings.Join(args, " "))
	}
	if _, err := (config.Sources{Recipe: cmd.Flags().Lookup("recipe").Value.String()}).Config(); err != nil {
		t.Errorf("train %s: %v", strings.Join(args, " "), err)
	}
}

// checkPod checks what both manifests need.
func checkPod(t *testing.T, p pod, container string) {
	t.Helper()
	if len(p.Spec.Containers) != 1 || p.Spec.Containers[0].Name != container {
		t.Errorf("containers %+v, want %s", p.Spec.Containers, container)
		return
	}
	for _, m := range p.Spec.Containers[0].VolumeMounts {
		i := slices.IndexFunc(p.Spec.Volumes, func(v volume) bool {
			return v.Name == m.Name
		})
		if i < 0 || p.Spec.Volumes[i].PersistentVolumeClaim.ReadOnly != m.ReadOnly {
			t.Errorf("volume %s: not there, or with other rights", m.Name)
		}
	}
	if p.Spec.Grace < 60 {
		t.Errorf("%d seconds for a checkpoint", p.Spec.Grace)
	}
}

func TestPyTorchJob(t *testing.T) {
	var job pyTorchJob
	readYAML(t, "pytorchjob.yaml", &job)
	if job.APIVersion != "kubeflow.org/v1" || job.Kind != "PyTorchJob" || len(job.Spec.Replicas) != 2 {
		t.Errorf("%+v", job)
	}
	for name, replicas := range map[string]int{"Master": 1, "Worker": 3} {
		r := job.Spec.Replicas[name]
		if r.Replicas != replicas || r.RestartPolicy != "OnFailure" {
			t.Errorf("%s: %d replicas, %s", name, r.Replicas, r.RestartPolicy)
		}
		checkPod(t, r.Template, "pytorch")
		checkArguments(t, r.Template.Spec.Containers[0].Args)
	}
}

func TestTrainJob(t *testing.T) {
	var runtime trainingRuntime
	var job trainJob
	readYAML(t, "trainjob.yaml", &runtime, &job)
	for _, version := range []string{runtime.APIVersion, job.APIVersion} {
		if version != "trainer.kubeflow.org/v1alpha1" {
			t.Errorf("version %s", version)
		}
	}
	if runtime.Kind != job.Spec.RuntimeRef.Kind || runtime.Metadata.Name != job.Spec.RuntimeRef.Name || runtime.Spec.MLPolicy.Torch == nil {
		t.Errorf("the job refers to %+v, and the runtime is %s %s", job.Spec.RuntimeRef, runtime.Kind, runtime.Metadata.Name)
	}
	jobs := runtime.Spec.Template.Spec.ReplicatedJobs
	if len(jobs) != 1 || jobs[0].Name != "node" || jobs[0].Template.Metadata.Labels["trainer.kubeflow.org/trainjob-ancestor-step"] != "trainer" {
		t.Fatalf("%+v: Trainer finds the trainer by this label and the name node", jobs)
	}
	checkPod(t, jobs[0].Template.Spec.Template, "node")
	checkArguments(t, job.Spec.Trainer.Args)
}

func TestSlurmScript(t *testing.T) {
	path := filepath.Join(examples, "slurm.sh")
	if out, err := exec.CommandContext(t.Context(), "bash", "-n", path).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, command, _ := strings.Cut(string(text), "\tbin/train ")
	line, _, _ := strings.Cut(command, "\n")
	checkArguments(t, strings.Fields(line))
}
