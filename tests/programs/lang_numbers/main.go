// Integer and floating-point arithmetic at the edges, and how numbers are written.
package main

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

var i8 int8 = 127
var u8 uint8 = 0
var i64 int64 = math.MinInt64
var minus = -1
var f = 0.0

func main() {
	i8++
	u8--
	fmt.Println(i8, u8, i64-1, i64/int64(minus), i64%int64(minus), -7/2, -7%3, 7&^5, 1<<63>>63)
	fmt.Println(1/f, -1/f, f/f, math.Inf(1)-math.Inf(1), f == -f, math.Signbit(-f*1))
	fmt.Println(int64(float64(1<<53)+1), uint8(int(300)&0xff), int32(i64>>33), uint64(math.MaxUint64))
	for _, x := range []float64{0, 1, 0.1, 1e21, 1e20, 1e-7, 123456789, 1.0 / 3, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi, 5e-324, 2.2250738585072014e-308, 1e23, 8.41e21} {
		fmt.Println(x, float32(x), strconv.FormatFloat(x, 'g', 5, 64), fmt.Sprintf("%e|%8.3f|%g|%x|%b", x, x, x, x, x))
	}
	for _, s := range []string{"1e400", "-0", "0x1p-2", "1_000", "inf", "nan", "1.7976931348623159e308", "4.9e-324", "2.5e-324", "179769313486231580793e289", "", "12a"} {
		v, err := strconv.ParseFloat(s, 64)
		fmt.Println(s, v, err)
	}
	fmt.Println(math.Sqrt(2), math.Sin(1), math.Cos(1e6), math.Exp(1), math.Log(10), math.Pow(2, 0.5), math.Gamma(5.5), math.Atan2(1, -1), math.Cbrt(27), math.Hypot(3, 4))
	fmt.Println(math.Floor(-1.5), math.Ceil(-1.5), math.Trunc(-1.5), math.Round(2.5), math.RoundToEven(2.5), math.Mod(7, -3), math.FMA(2, 3, 4))
	hi, lo := bits.Mul64(math.MaxUint64, math.MaxUint64)
	q, r := bits.Div64(1, 0, 3)
	fmt.Println(hi, lo, q, r, bits.OnesCount64(hi), bits.LeadingZeros32(1), bits.TrailingZeros(8), bits.Reverse8(1), bits.RotateLeft32(1, 31))
	c := complex(3, 4)
	fmt.Println(c*c, c/complex(0, 1), real(c), imag(c), c == complex(3, 4))
	fmt.Println(strconv.Itoa(-45), strconv.FormatInt(255, 2), strconv.Quote("\x00ü\n"), strconv.AppendBool(nil, true))
	n, err := strconv.Atoi("99999999999999999999")
	fmt.Println(n, err)
	u, err := strconv.ParseUint("ff", 16, 8)
	fmt.Println(u, err)
	var sum float64
	var sum32 float32
	for i := range 1000000 {
		sum += 1 / float64(i+1)
		sum32 += 1 / float32(i+1)
	}
	fmt.Println(sum, sum32)
	fmt.Printf("%08b %o %#x %+d %c %U %6.2f|%-6d|%06d|%t|%v|%p\n", 5, 8, 255, 3, 'x', 0x1F600, math.E, 42, -42, true, nil, nil)
}
