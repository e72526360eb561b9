// Judges objects as GitOps tools do, each by its own code: kstatus, Flux with its CEL, and Argo CD with its Lua.
//
//	judge -argocd-cm FILE -kustomization FILE
//
// Reads one object in JSON per line and prints a verdict in JSON per line. The files are the ones that users copy; a
// field that a tool does not know is an error.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/health"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/engine"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Opinion is what one tool says of an object.
type Opinion struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// Verdict is what all of them say.
type Verdict struct {
	Kstatus Opinion `json:"kstatus"`
	Argo    Opinion `json:"argo"`
	Flux    Opinion `json:"flux"`
}

func main() {
	log.SetFlags(0)
	argocdCM := flag.String("argocd-cm", "", "the ConfigMap with Argo CD's health checks")
	kustomization := flag.String("kustomization", "", "a Flux Kustomization with healthCheckExprs")
	flag.Parse()

	ctx := context.Background()
	checks := healthChecks(*argocdCM)
	flux := fluxReader(*kustomization)

	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		exitOn(err)
		object := &unstructured.Unstructured{}
		exitOn(object.UnmarshalJSON(line))
		verdict, err := json.Marshal(Verdict{byKstatus(object), byArgo(object, checks), byFlux(ctx, object, flux)})
		exitOn(err)
		fmt.Println(string(verdict))
	}
}

func fluxReader(file string) engine.StatusReader {
	kustomization := &kustomizev1.Kustomization{}
	read(file, kustomization)
	reader, err := cel.NewStatusReader(kustomization.Spec.HealthCheckExprs)
	exitOn(err)
	return reader(nil)
}

func byKstatus(object *unstructured.Unstructured) Opinion {
	result, err := status.Compute(object)
	if err != nil {
		return Opinion{"error", err.Error()}
	}
	return Opinion{result.Status.String(), result.Message}
}

func byArgo(object *unstructured.Unstructured, checks lua.ResourceHealthOverrides) Opinion {
	result, err := health.GetResourceHealth(object, checks)
	// Argo CD gives a check one second of a clock that a loaded machine's other work counts on, too.
	for again := 0; again < 10 && err != nil && strings.Contains(err.Error(), context.DeadlineExceeded.Error()); again++ {
		result, err = health.GetResourceHealth(object, checks)
	}
	switch {
	case err != nil:
		return Opinion{"error", err.Error()}
	case result == nil:
		return Opinion{"none", "no health check is for this kind"}
	}
	return Opinion{string(result.Status), result.Message}
}

func byFlux(ctx context.Context, object *unstructured.Unstructured, reader engine.StatusReader) Opinion {
	result, err := reader.ReadStatusForObject(ctx, nil, object)
	if err == nil {
		err = result.Error
	}
	if err != nil {
		return Opinion{"error", err.Error()}
	}
	return Opinion{result.Status.String(), result.Message}
}

func read(file string, into any) {
	text, err := os.ReadFile(file)
	exitOn(err)
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		log.Fatalf("judge: %s: %v", file, err)
	}
}

func exitOn(err error) {
	if err != nil {
		log.Fatalf("judge: %v", err)
	}
}
