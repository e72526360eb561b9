// Command image packs a statically linked sender-operator into a container image, without a container engine: the
// binary, the certificate authorities that it trusts, its licence, and a list of what it is made of. The same input gives
// the same bytes.
package main

import (
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	program = "sender-operator"
	// Nobody's number on any node; the chart runs the pod as the same.
	user = "65532:65532"
	// Where rustls-native-certs, Go and OpenSSL on Debian look.
	authorities = "etc/ssl/certs/ca-certificates.crt"
)

type input struct {
	binary, licence, metadata string
	version, revision, source string
	arch                      string
	created                   time.Time
}

func main() {
	var in input
	var out, sbom string
	var epoch int64
	flag.StringVar(&in.binary, "binary", "", "the program, statically linked")
	flag.StringVar(&in.licence, "licence", "", "its licence")
	flag.StringVar(&in.metadata, "metadata", "", "what `cargo metadata` prints for the platform it was built for")
	flag.StringVar(&in.version, "version", "", "the program's version")
	flag.StringVar(&in.revision, "revision", "", "the git revision it was built from")
	flag.StringVar(&in.source, "source", "", "where the source is published")
	flag.StringVar(&in.arch, "arch", "", "amd64 or arm64")
	flag.Int64Var(&epoch, "created", 0, "the time that everything in the image bears, in seconds since 1970")
	flag.StringVar(&out, "out", "", "the archive to write, as `docker load` and `crane push` take it")
	flag.StringVar(&sbom, "sbom", "", "the CycloneDX file to write beside it")
	flag.Parse()
	in.created = time.Unix(epoch, 0).UTC()
	if err := write(in, out, sbom); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func write(in input, out, sbom string) error {
	components, err := bom(in)
	if err != nil {
		return err
	}
	image, unpacked, err := pack(in, components)
	if err != nil {
		return err
	}
	reference, err := name.NewTag(program + ":" + in.version)
	if err != nil {
		return err
	}
	if err := os.WriteFile(sbom, components, 0o644); err != nil {
		return err
	}
	if err := tarball.WriteToFile(out, reference, image); err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	archive, err := os.Stat(out)
	if err != nil {
		return err
	}
	fmt.Printf("%s %s %s\n", reference.Name(), in.arch, digest)
	fmt.Printf("archive %.1f MB, unpacked %.1f MB: %s\n", megabytes(archive.Size()), megabytes(unpacked), out)
	return nil
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

// pack returns the image and how many bytes its files have.
func pack(in input, components []byte) (v1.Image, int64, error) {
	binary, err := os.ReadFile(in.binary)
	if err != nil {
		return nil, 0, err
	}
	licence, err := os.ReadFile(in.licence)
	if err != nil {
		return nil, 0, err
	}
	files := []file{
		{program, binary, 0o755},
		{authorities, roots(), 0o644},
		{"usr/share/doc/" + program + "/LICENSE", licence, 0o644},
		{"usr/share/doc/" + program + "/sbom.cdx.json", components, 0o644},
	}
	var unpacked int64
	for _, file := range files {
		unpacked += int64(len(file.content))
	}
	layer, err := layerOf(files, in.created)
	if err != nil {
		return nil, 0, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: in.created}
	history := v1.History{Created: created, CreatedBy: "hack/image.sh"}
	image, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: history, MediaType: types.OCILayer})
	if err != nil {
		return nil, 0, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, 0, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", in.arch, created
	config.Config = v1.Config{
		Entrypoint: []string{"/" + program},
		Cmd:        []string{"run"},
		User:       user,
		WorkingDir: "/",
		Labels: map[string]string{
			"org.opencontainers.image.title":       program,
			"org.opencontainers.image.description": "Deletes a sender account at its provider, provably, before its Kubernetes object goes",
			"org.opencontainers.image.version":     in.version,
			"org.opencontainers.image.revision":    in.revision,
			"org.opencontainers.image.source":      in.source,
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.created":     in.created.Format(time.RFC3339),
		},
	}
	image, err = mutate.ConfigFile(image, config)
	return image, unpacked, err
}

// roots returns Mozilla's certificate authorities as PEM. Those that are trusted for older certificates only are left
// out: a file cannot say that.
func roots() []byte {
	var text []byte
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})...)
		}
	}
	return text
}
