// math/big: factorials, pi, primes, fractions.
package main

import (
	"crypto/sha256"
	"fmt"
	"math/big"
)

func pi(digits int64) *big.Int {
	one := new(big.Int).Exp(big.NewInt(10), big.NewInt(digits+10), nil)
	arctan := func(x int64) *big.Int {
		sum, term, sq := new(big.Int), new(big.Int).Div(one, big.NewInt(x)), big.NewInt(x*x)
		for n := int64(1); term.Sign() != 0; n += 2 {
			t := new(big.Int).Div(term, big.NewInt(n))
			if n%4 == 1 {
				sum.Add(sum, t)
			} else {
				sum.Sub(sum, t)
			}
			term.Div(term, sq)
		}
		return sum
	}
	r := new(big.Int).Sub(new(big.Int).Mul(big.NewInt(16), arctan(5)), new(big.Int).Mul(big.NewInt(4), arctan(239)))
	return r.Div(r, new(big.Int).Exp(big.NewInt(10), big.NewInt(10), nil))
}

func main() {
	f := big.NewInt(1)
	for i := int64(2); i <= 1000; i++ {
		f.Mul(f, big.NewInt(i))
	}
	s := f.String()
	fmt.Println(len(s), s[:20], fmt.Sprintf("%x", sha256.Sum256([]byte(s))))
	p := pi(1000).String()
	fmt.Println(p[:30], p[len(p)-20:])
	m := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 521), big.NewInt(1))
	fmt.Println(m.ProbablyPrime(10), new(big.Int).Add(m, big.NewInt(2)).ProbablyPrime(10))
	a, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	b := big.NewInt(987654321)
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	fmt.Println(q, r, new(big.Int).GCD(nil, nil, a, b), new(big.Int).Exp(b, a, m).BitLen() > 0, new(big.Int).Sqrt(a), new(big.Int).ModInverse(b, m).BitLen() > 0)
	x := big.NewRat(1, 3)
	for i := int64(1); i < 50; i++ {
		x.Add(x, big.NewRat(1, i*i))
	}
	fmt.Println(x.FloatString(40))
	z := new(big.Float).SetPrec(300).SetInt64(2)
	fmt.Println(z.Sqrt(z).Text('f', 80), f.Text(36)[:20])
}
