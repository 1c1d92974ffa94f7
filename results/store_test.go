package results

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mmsim/sim"
)

func TestStoreRoundTrip(t *testing.T) {
	s, err := OpenStore(filepath.Join(t.TempDir(), "new", "store"))
	if err != nil {
		t.Fatal(err)
	}
	r := fakeRecords(t)[3]
	if got, err := s.Get(r.Hash); got != nil || err != nil {
		t.Fatalf("an empty store has %v, %v", got, err)
	}
	if err := s.Put(r); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(r.Hash)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("stored record differs: %v\n got %+v\nwant %+v", err, got, r)
	}
}

func TestStoreNamesDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := fakeRecords(t)
	r := all[0]
	if err := s.Put(r); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, r.Hash+".json")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other, err := encodeStored(all[1])
	if err != nil {
		t.Fatal(err)
	}
	for what, data := range map[string][]byte{
		"cut short":    whole[:len(whole)/2],
		"empty":        nil,
		"digit turned": bytes.Replace(whole, []byte(`"ops":50`), []byte(`"ops":51`), 1),
		"other record": other,
		"not a record": []byte(`{"sha256":"","record":null}`),
	} {
		if bytes.Equal(data, whole) {
			t.Fatalf("%s: the file did not change", what)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := s.Get(r.Hash)
		var damaged *DamagedError
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error %v does not name %s", what, err, file)
		}
	}
	if err := s.Put(r); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(r.Hash); err != nil || got == nil {
		t.Errorf("a damaged file was not replaced: %v", err)
	}
}

func TestHashCoversWhatDeterminesAMeasurement(t *testing.T) {
	base := fakeRun{"2", "mmap-lock", 1, 400 * sim.Nanosecond, 25, -1}.record(t).Identity
	renamed, reseeded, changed, shifted := base, base, base, base
	renamed.Experiment, renamed.Design, renamed.Title = "other", "label", "title"
	reseeded.Seed = 2
	changed.Configuration += "x"
	shifted.Seed, shifted.Configuration = 11, base.Configuration[1:]
	if HashOf(&renamed) != HashOf(&base) {
		t.Error("names and titles change the hash")
	}
	seen := map[string]bool{HashOf(&base): true}
	for what, id := range map[string]*Identity{"seed": &reseeded, "configuration": &changed, "shifted": &shifted} {
		h := HashOf(id)
		if seen[h] {
			t.Errorf("%s does not change the hash", what)
		}
		seen[h] = true
	}
}

// FuzzStore: whatever is in a store's file, reading gives an error or a record
// that is sound: of this version, with the hash of its identity, and written
// back to the same meaning.
func FuzzStore(f *testing.F) {
	whole, err := encodeStored(fakeRun{"2", "mmap-lock", 1, 400 * sim.Nanosecond, 25, -1}.record(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte(`{"sha256":"x","record":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := new(Record)
		if err := decodeStored(data, r); err != nil {
			return
		}
		if r.Schema != SchemaVersion || r.Hash != HashOf(&r.Identity) {
			t.Fatalf("unsound record accepted: %+v", r)
		}
		again, err := encodeStored(r)
		if err != nil {
			t.Fatal(err)
		}
		back := new(Record)
		if err := decodeStored(again, back); err != nil || !reflect.DeepEqual(back, r) {
			t.Fatalf("record changes when written back: %v", err)
		}
	})
}
