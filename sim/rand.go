package sim

// Rand is a counter-based random source: draw k of stream (seed, thread, op)
// depends on these four numbers alone and not on what was drawn before. Two
// designs given the same seed therefore see the same addresses, sizes and
// think times operation by operation, even when one of them retries (common
// random numbers), and adding a thread or a seed changes no other stream.
type Rand struct {
	key uint64
	n   uint64
}

// NewRand returns the stream of operation op of the given thread under seed.
func NewRand(seed, thread, op uint64) Rand {
	return Rand{key: mix(mix(mix(seed^0x6d6d73696d)+thread) + op)}
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Uint64 returns the next draw.
func (r *Rand) Uint64() uint64 {
	r.n++
	return mix(r.key + r.n)
}

// Below returns a draw in [0, n); n must be positive. The bias of the
// multiply-shift reduction is below 2^-32 for every n used here.
func (r *Rand) Below(n uint64) uint64 {
	return (r.Uint64() >> 32) * n >> 32
}

// TimeBelow returns a draw in [0, t), or 0 when t is not positive.
func (r *Rand) TimeBelow(t Time) Time {
	if t <= 0 {
		return 0
	}
	hi, lo := r.Uint64()>>32, uint64(t)
	return Time(hi*(lo>>32) + hi*(lo&0xffffffff)>>32)
}
