package main

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

type file struct {
	path    string
	content []byte
	mode    int64
}

// layerOf returns a layer with these files and their folders, all root's and of the same time.
func layerOf(files []file, created time.Time) (v1.Layer, error) {
	var text bytes.Buffer
	writer := tar.NewWriter(&text)
	for _, folder := range folders(files) {
		header := tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: created, Format: tar.FormatUSTAR}
		if err := writer.WriteHeader(&header); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		size := int64(len(file.content))
		header := tar.Header{Name: file.path, Mode: file.mode, Size: size, ModTime: created, Format: tar.FormatUSTAR}
		if err := writer.WriteHeader(&header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
}

func folders(files []file) []string {
	var names []string
	for _, file := range files {
		for folder := path.Dir(file.path); folder != "."; folder = path.Dir(folder) {
			names = append(names, folder)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
