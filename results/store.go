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

// Store is a directory of finished records and checks, one file each, named by
// the hash. Any number of processes may share it: a file appears whole or
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
	r := new(Record)
	if found, err := s.read(hash, r); !found {
		return nil, err
	}
	return r, nil
}

// GetCheck is Get for checks.
func (s *Store) GetCheck(hash string) (*Check, error) {
	c := new(Check)
	if found, err := s.read(hash, c); !found {
		return nil, err
	}
	return c, nil
}

// Put keeps a record, replacing a damaged file of the same name.
func (s *Store) Put(r *Record) error { return s.write(r.Hash, r) }

// PutCheck is Put for checks.
func (s *Store) PutCheck(c *Check) error { return s.write(c.Hash, c) }

// kept is what a store has files of.
type kept interface {
	// stamp is the versions and the hash that it carries, and the hash of what
	// identifies it.
	stamp() (schema, model int, hash, identity string)
}

func (r *Record) stamp() (schema, model int, hash, identity string) {
	return r.Schema, r.Model, r.Hash, HashOf(&r.Identity)
}

func (c *Check) stamp() (schema, model int, hash, identity string) {
	return c.Schema, c.Version, c.Hash, c.hash()
}

func (s *Store) read(hash string, into kept) (found bool, err error) {
	name := s.file(hash)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	err = decodeStored(data, into)
	if _, _, h, _ := into.stamp(); err == nil && h != hash {
		err = fmt.Errorf("it holds record %s", h)
	}
	if err != nil {
		return false, &DamagedError{name, err}
	}
	return true, nil
}

func (s *Store) write(hash string, k kept) error {
	data, err := encodeStored(k)
	if err == nil {
		err = WriteFile(s.file(hash), data)
	}
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// stored is the content of a file: the record and the SHA-256 of its JSON.
type stored struct {
	Sum    string          `json:"sha256"`
	Record json.RawMessage `json:"record"`
}

func encodeStored(k kept) ([]byte, error) {
	record, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(stored{checksum(record), record})
	return append(data, '\n'), err
}

func decodeStored(data []byte, into kept) error {
	var f stored
	if err := strictJSON(data, &f); err != nil {
		return err
	}
	if sum := checksum(f.Record); sum != f.Sum {
		return errors.New("its checksum does not match")
	}
	if err := strictJSON(f.Record, into); err != nil {
		return err
	}
	schema, model, hash, identity := into.stamp()
	if schema != SchemaVersion || model != ModelVersion {
		return fmt.Errorf("it is of schema %d and model %d, not %d and %d", schema, model, SchemaVersion, ModelVersion)
	}
	if identity != hash {
		return fmt.Errorf("its identity has hash %s", identity)
	}
	return nil
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
