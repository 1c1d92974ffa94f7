package workloads

import (
	"math/big"
	"math/bits"
)

// Limits of Zipf tables: with these the cumulative weights fit 64 bits and the
// rarest of the targets still has a weight.
const (
	maxZipfTargets = 1 << 20
	maxZipfMilli   = 4000
)

const zipfWeightBits = 43 // weight of rank 1 is 2^43; 2^20 of them fit 63 bits

// zipfCumulative returns the cumulative weights of ranks 1..n, the weight of
// rank r being r^-(milli/1000) in units of 2^-43, at least one unit. Everything
// is integer arithmetic, so the table is the same on every host.
func zipfCumulative(n, milli int) []uint64 {
	halves := halvings()
	cum := make([]uint64, n)
	var sum uint64
	for r := 1; r <= n; r++ {
		exponent := log2(uint64(r)) * uint64(milli) / 1000
		sum += max(1, exp2Neg(exponent, &halves)>>(62-zipfWeightBits))
		cum[r-1] = sum
	}
	return cum
}

// log2 is the binary logarithm of r >= 1 with 32 fraction bits, found bit by
// bit by squaring.
func log2(r uint64) uint64 {
	whole := uint64(bits.Len64(r) - 1)
	x := r << (63 - whole) // in [1, 2) with 63 fraction bits
	frac := uint64(0)
	for range 32 {
		frac <<= 1
		hi, lo := bits.Mul64(x, x) // 126 fraction bits, in [1, 4)
		if hi>>63 != 0 {
			frac |= 1
			x = hi
		} else {
			x = hi<<1 | lo>>63
		}
	}
	return whole<<32 | frac
}

// halvings holds 2^-(2^-i) for i = 1..32 with 62 fraction bits, each the
// square root of the one before.
func halvings() (h [33]uint64) {
	h[0] = 1 << 61
	for i := 1; i < len(h); i++ {
		sq := new(big.Int).Lsh(new(big.Int).SetUint64(h[i-1]), 62)
		h[i] = sq.Sqrt(sq).Uint64()
	}
	return h
}

// exp2Neg is 2^-x with 62 fraction bits, x having 32.
func exp2Neg(x uint64, halves *[33]uint64) uint64 {
	v := uint64(1) << 62
	for i := 1; i <= 32; i++ {
		if x>>(32-i)&1 != 0 {
			hi, lo := bits.Mul64(v, halves[i])
			v = hi<<2 | lo>>62
		}
	}
	if whole := x >> 32; whole < 64 {
		return v >> whole
	}
	return 0
}
