package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Store is a directory of finished records, one file each, named by the
// record's hash. Any number of processes may share it: a file appears whole or
// not at all, and two processes that finish the same run write the same bytes.
type Store struct{ dir string }

// OpenStore makes the directory if it is not there.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &Store{dir}, nil
}

// DamagedError says that a file of a store holds no usable record: cut short,
// changed, or of another run than its name says.
type DamagedError struct {
	File   string
	Reason error
}

// Error names the file.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("store: %s is damaged: %v", e.File, e.Reason)
}

// Unwrap gives the reason.
func (e *DamagedError) Unwrap() error { return e.Reason }

func (s *Store) file(hash string) string { return filepath.Join(s.dir, hash+".json") }

// Get returns the record of the given hash, or nil when the store has none.
// The error is a *DamagedError, or that of reading the file.
func (s *Store) Get(hash string) (*Record, error) {
	name := s.file(hash)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	r, err := decodeStored(data)
	if err == nil && r.Hash != hash {
		err = fmt.Errorf("it holds record %s", r.Hash)
	}
	if err != nil {
		return nil, &DamagedError{name, err}
	}
	return r, nil
}

// Put keeps a record, replacing a damaged file of the same name.
func (s *Store) Put(r *Record) error {
	data, err := encodeStored(r)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := WriteFile(s.file(r.Hash), data); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// stored is the content of a file: the record and the SHA-256 of its JSON.
type stored struct {
	Sum    string          `json:"sha256"`
	Record json.RawMessage `json:"record"`
}

func encodeStored(r *Record) ([]byte, error) {
	record, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(stored{checksum(record), record})
	return append(data, '\n'), err
}

func decodeStored(data []byte) (*Record, error) {
	var f stored
	if err := strictJSON(data, &f); err != nil {
		return nil, err
	}
	if sum := checksum(f.Record); sum != f.Sum {
		return nil, errors.New("its checksum does not match")
	}
	r := new(Record)
	if err := strictJSON(f.Record, r); err != nil {
		return nil, err
	}
	if r.Schema != SchemaVersion || r.Model != ModelVersion {
		return nil, fmt.Errorf("it is of schema %d and model %d, not %d and %d", r.Schema, r.Model, SchemaVersion, ModelVersion)
	}
	if h := HashOf(&r.Identity); h != r.Hash {
		return nil, fmt.Errorf("its identity has hash %s", h)
	}
	return r, nil
}

func strictJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// WriteFile writes a file so that it is there whole or not at all, also when
// the process is killed in between.
func WriteFile(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
