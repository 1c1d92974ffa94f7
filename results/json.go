package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes all records as one document: the versions, each distinct
// effective configuration once, and per record the columns of the dictionary
// (null where they do not apply) and the whole account behind them. Adding a
// column or a field does not raise the schema version; changing one does.
func WriteJSON(w io.Writer, records []*Record) error {
	doc := document{Schema: SchemaVersion, Model: ModelVersion,
		Configurations: []configuration{}, Records: []documentRecord{}}
	seen := map[string]bool{}
	for _, r := range records {
		id := configurationID(r.Configuration)
		if !seen[id] {
			seen[id] = true
			doc.Configurations = append(doc.Configurations, configuration{id, r.Configuration})
		}
		account := *r
		account.Configuration = id
		doc.Records = append(doc.Records, documentRecord{Columns: columnValues{r}, Account: &account})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(&doc)
}

type document struct {
	Schema         int              `json:"schema_version"`
	Model          int              `json:"model_version"`
	Configurations []configuration  `json:"configurations"`
	Records        []documentRecord `json:"records"`
}

type configuration struct {
	ID   string `json:"id"`
	Text string `json:"toml"`
}

type documentRecord struct {
	Columns columnValues `json:"columns"`
	Account *Record      `json:"account"`
}

// columnValues prints a record's columns in the order of the dictionary.
type columnValues struct{ r *Record }

// MarshalJSON prints numbers as the CSV does, digit by digit.
func (v columnValues) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range Columns() {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%s", quoteJSON(c.Name), c.Value(v.r).json(c.Decimals))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func quoteJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("results: " + err.Error())
	}
	return string(b)
}

func configurationID(text string) string { return "sha256:" + checksum([]byte(text)) }

// checksum is the SHA-256 of data in hexadecimal.
func checksum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
