package results

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// HashOf names a run by everything that determines what it measures: the
// schema, the model, the effective configuration (machine, groups, point,
// design, costs, durations) and the seed. Names, titles, labels, the baseline,
// other seeds and other points do not, so an experiment that is renamed or
// grows by a seed leaves the names of its other records alone.
func HashOf(id *Identity) string {
	h := sha256.Sum256(fmt.Appendf(nil, "schema %d model %d seed %d\n%s", SchemaVersion, ModelVersion, id.Seed, id.Configuration))
	return hex.EncodeToString(h[:])
}
