package results

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"mmsim/sim"
)

var update = flag.Bool("update", false, "rewrite generated and golden files")

func TestColumnNamesAreUniqueSnakeCaseAndCarryTheirUnit(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	seen := map[string]bool{}
	r := fakeRecords(t)[2]
	for _, c := range Columns() {
		if seen[c.Name] || !snake.MatchString(c.Name) {
			t.Errorf("column %q is there twice or not snake_case", c.Name)
		}
		seen[c.Name] = true
		if c.Unit != NoUnit && !strings.HasSuffix(c.Name, "_"+string(c.Unit)) {
			t.Errorf("column %s does not end in its unit %s", c.Name, c.Unit)
		}
		if c.Doc == "" || !strings.HasSuffix(c.Doc, ".") {
			t.Errorf("column %s: meaning %q is no sentence", c.Name, c.Doc)
		}
		if _, number := c.Value(r).Float(); number && c.Unit == NoUnit && !strings.HasSuffix(c.Name, "_version") && c.Name != "seed" {
			t.Errorf("column %s has a number without a unit", c.Name)
		}
	}
}

// value is the cell of a column as CSV prints it.
func value(r *Record, column string) string {
	c := ColumnNamed(column)
	return c.Value(r).Format(c.Decimals)
}

func TestColumnValues(t *testing.T) {
	r := fakeRun{"40", "mm-seqcount", 7, 410 * sim.Nanosecond, 24, 7}.record(t)
	for column, want := range map[string]string{
		"point": "group.hitters.count=40", "seed": "7", "threads_count": "2", "ops_count": "48",
		"simulated_ns": "10000.000", "warmup_ns": "1000.000",
		// 48 operations in 10 us.
		"throughput_ops_per_s": "4800000",
		// Two threads, 9 us each outside think time, 48 operations.
		"time_ns_per_op": "375.000",
		// 9 us at 0.4 ns a cycle on two CPUs, 48 operations.
		"busy_cycles_per_op": "937.50",
		// 1 us of fence stalls on two CPUs is 5,000 cycles.
		"fence_stall_cycles": "5000", "fence_stall_cycles_per_op": "104.17",
		// 3 x 24 bounces on each of two CPUs.
		"bounces_count": "144", "bounces_per_op": "3.000", "run_bounces_count": "216",
		"fallback_pct": "7.000", "fallbacks_count": "14", "lock_waits_count": "0",
		"cycles_by_step": "user=5000;vma-lookup=45000",
		// Two sockets, one domain each.
		"run_bounces_same_domain_count": "96", "run_bounces_same_socket_count": "-",
		"socket_fills_count": "-", "remote_fills_count": "0", "far_atomics_count": "-", "cache_socket_cycles": "-",
		"sleeping_by_reason": "-", "run_ops_count": "72",
	} {
		if got := value(r, column); got != want {
			t.Errorf("%s = %s, want %s", column, got, want)
		}
	}
}

func TestFallbackDoesNotApplyWithoutSpeculation(t *testing.T) {
	r := fakeRun{"2", "mmap-lock", 1, 400 * sim.Nanosecond, 25, -1}.record(t)
	for _, c := range []string{"fallback_pct", "fallbacks_count", "run_fallbacks_count", "speculation_attempts_count"} {
		if got := value(r, c); got != "-" {
			t.Errorf("%s = %s for a design that takes the lock, want -", c, got)
		}
	}
}

// The histogram keeps three significant digits: 410 ns within 0.1%.
func TestLatencyColumns(t *testing.T) {
	r := fakeRun{"2", "mmap-lock", 1, 410 * sim.Nanosecond, 25, -1}.record(t)
	for _, c := range []string{"latency_mean_ns", "latency_p50_ns", "latency_p99_ns", "latency_max_ns"} {
		got, _ := ColumnNamed(c).Value(r).Float()
		near(t, c, got, 410, 0.41)
	}
	idle := fakeRun{"2", "mmap-lock", 1, 410 * sim.Nanosecond, 0, -1}.record(t)
	for _, c := range []string{"latency_mean_ns", "latency_p50_ns", "time_ns_per_op", "bounces_per_op", "busy_cycles_per_op"} {
		if got := value(idle, c); got != "-" {
			t.Errorf("%s = %s without an operation, want -", c, got)
		}
	}
}

func TestMeasureRefusesAccountsThatDoNotAddUp(t *testing.T) {
	s := fakeRun{"2", "mmap-lock", 1, 400 * sim.Nanosecond, 25, -1}.source(t)
	s.Result.CPUs[1].Time[0][0] += 1
	if _, err := Measure(s); err == nil || !strings.Contains(err.Error(), "CPU 1") {
		t.Errorf("a femtosecond too many on CPU 1: %v", err)
	}
}

func TestCSVHasOneRowPerRecordUnderTheDictionary(t *testing.T) {
	records := fakeRecords(t)
	var b bytes.Buffer
	if err := WriteCSV(&b, records); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != len(records)+1 {
		t.Fatalf("%d rows for %d records: %v", len(rows), len(records), err)
	}
	for i, c := range Columns() {
		if rows[0][i] != c.Name || rows[3][i] != value(records[2], c.Name) {
			t.Errorf("column %d is %s = %s, want %s = %s", i, rows[0][i], rows[3][i], c.Name, value(records[2], c.Name))
		}
	}
}

func TestJSONAgreesWithCSV(t *testing.T) {
	records := fakeRecords(t)
	var b bytes.Buffer
	if err := WriteJSON(&b, records); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Schema         int `json:"schema_version"`
		Configurations []configuration
		Records        []struct {
			Columns map[string]json.RawMessage
			Account Record
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != SchemaVersion || len(doc.Configurations) != 1 || len(doc.Records) != len(records) {
		t.Fatalf("schema %d, %d configurations, %d records", doc.Schema, len(doc.Configurations), len(doc.Records))
	}
	for i, r := range records {
		for _, c := range Columns() {
			want := value(r, c.Name)
			got := strings.Trim(string(doc.Records[i].Columns[c.Name]), `"`)
			if got != want && !(want == "-" && got == "null") {
				t.Errorf("record %d: %s is %s in JSON and %s in CSV", i, c.Name, got, want)
			}
		}
		if a := doc.Records[i].Account; a.Configuration != doc.Configurations[0].ID || a.Groups[0].Ops != r.Groups[0].Ops {
			t.Errorf("record %d: account %+v", i, a)
		}
	}
}

func TestDictionaryPageIsCurrent(t *testing.T) {
	var b bytes.Buffer
	if err := WriteDictionary(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "../docs/records.md", b.Bytes())
}

// golden compares with a committed file, or rewrites it under -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is generated now (go test ./results -update rewrites it); got:\n%s", name, got)
	}
}
