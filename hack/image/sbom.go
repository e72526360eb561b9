package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// cargoMetadata is what `cargo metadata --format-version 1` prints, as far as it is used.
// https://doc.rust-lang.org/cargo/commands/cargo-metadata.html
type cargoMetadata struct {
	Packages []cargoPackage
	Resolve  struct{ Nodes []cargoNode }
}

type cargoPackage struct {
	ID, Name, Version, License, Repository string
}

type cargoNode struct {
	ID   string
	Deps []struct {
		Pkg      string
		DepKinds []struct{ Kind *string } `json:"dep_kinds"`
	}
}

// bom lists every crate that is compiled into the program, as CycloneDX.
func bom(in input) ([]byte, error) {
	text, err := os.ReadFile(in.metadata)
	if err != nil {
		return nil, err
	}
	var metadata cargoMetadata
	if err := json.Unmarshal(text, &metadata); err != nil {
		return nil, fmt.Errorf("%s: %w", in.metadata, err)
	}
	packages := map[string]cargoPackage{}
	var root string
	for _, it := range metadata.Packages {
		packages[it.ID] = it
		if it.Name == program {
			root = it.ID
		}
	}
	if root == "" {
		return nil, fmt.Errorf("%s: there is no package %s", in.metadata, program)
	}
	needs := needed(metadata.Resolve.Nodes, root)
	document := cyclonedx.NewBOM()
	application := component(packages[root], cyclonedx.ComponentTypeApplication)
	document.Metadata = &cyclonedx.Metadata{Timestamp: in.created.Format(time.RFC3339), Component: &application}
	var components []cyclonedx.Component
	var dependencies []cyclonedx.Dependency
	for id, deps := range needs {
		if id != root {
			components = append(components, component(packages[id], cyclonedx.ComponentTypeLibrary))
		}
		var references []string
		for _, dep := range deps {
			references = append(references, purl(packages[dep]))
		}
		slices.Sort(references)
		dependencies = append(dependencies, cyclonedx.Dependency{Ref: purl(packages[id]), Dependencies: &references})
	}
	slices.SortFunc(components, func(a, b cyclonedx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	slices.SortFunc(dependencies, func(a, b cyclonedx.Dependency) int { return strings.Compare(a.Ref, b.Ref) })
	document.Components, document.Dependencies = &components, &dependencies
	var out bytes.Buffer
	encoder := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	err = encoder.EncodeVersion(document, cyclonedx.SpecVersion1_6)
	return out.Bytes(), err
}

// needed returns what the program needs to run, directly or not, each with its own needs: no tests, no build scripts.
func needed(nodes []cargoNode, root string) map[string][]string {
	deps := map[string][]string{}
	for _, node := range nodes {
		for _, dep := range node.Deps {
			for _, kind := range dep.DepKinds {
				if kind.Kind == nil {
					deps[node.ID] = append(deps[node.ID], dep.Pkg)
					break
				}
			}
		}
	}
	needs, ahead := map[string][]string{}, []string{root}
	for len(ahead) > 0 {
		id := ahead[0]
		ahead = ahead[1:]
		if _, known := needs[id]; !known {
			needs[id] = deps[id]
			ahead = append(ahead, deps[id]...)
		}
	}
	return needs
}

func component(of cargoPackage, kind cyclonedx.ComponentType) cyclonedx.Component {
	it := cyclonedx.Component{
		BOMRef: purl(of), Type: kind, Name: of.Name, Version: of.Version, PackageURL: purl(of),
		Scope: cyclonedx.ScopeRequired,
	}
	if of.License != "" {
		// Cargo's older form of `OR`.
		expression := strings.Join(strings.Fields(strings.ReplaceAll(of.License, "/", " OR ")), " ")
		it.Licenses = &cyclonedx.Licenses{{Expression: expression}}
	}
	return it
}

// purl names a crate. https://github.com/package-url/purl-spec
func purl(of cargoPackage) string { return "pkg:cargo/" + of.Name + "@" + of.Version }
