// Hashes, ciphers, signatures and compression over the same data, forth and back.
package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"hash/fnv"
	"io"
)

func main() {
	data := make([]byte, 200000)
	x := uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = "abcdefgh\n etaoin"[x>>28]
	}
	fmt.Printf("%x\n%x\n%x\n%x\n", md5.Sum(data), sha1.Sum(data), sha256.Sum256(data), sha512.Sum512(data))
	m := hmac.New(sha256.New, []byte("key"))
	m.Write(data)
	fmt.Println(hex.EncodeToString(m.Sum(nil)), crc32.ChecksumIEEE(data), adler32.Checksum(data))
	f := fnv.New64a()
	f.Write(data)
	fmt.Println(f.Sum64())
	var z bytes.Buffer
	for _, level := range []int{gzip.BestSpeed, gzip.DefaultCompression, gzip.BestCompression} {
		z.Reset()
		w, _ := gzip.NewWriterLevel(&z, level)
		w.Name = "data"
		w.Write(data)
		w.Close()
		fmt.Printf("%d %x\n", z.Len(), sha256.Sum256(z.Bytes()))
		r, err := gzip.NewReader(bytes.NewReader(z.Bytes()))
		if err != nil {
			fmt.Println(err)
			return
		}
		back, err := io.ReadAll(r)
		fmt.Println(r.Name, bytes.Equal(back, data), err)
	}
	z.Bytes()[z.Len()-5] ^= 1
	r, _ := gzip.NewReader(&z)
	_, err := io.Copy(io.Discard, r)
	fmt.Println(err)
	var zl bytes.Buffer
	zw := zlib.NewWriter(&zl)
	zw.Write(data[:1000])
	zw.Close()
	fmt.Println(base64.StdEncoding.EncodeToString(zl.Bytes())[:60])
	_, err = io.ReadAll(flate.NewReader(bytes.NewReader([]byte{0xff, 1, 2})))
	fmt.Println(err)
	key, iv := data[:32], data[32:48]
	block, _ := aes.NewCipher(key)
	enc := bytes.Clone(data)
	cipher.NewCTR(block, iv).XORKeyStream(enc, enc)
	fmt.Printf("%x\n", sha256.Sum256(enc))
	gcm, _ := cipher.NewGCM(block)
	sealed := gcm.Seal(nil, data[:12], data[:1000], []byte("extra"))
	opened, err := gcm.Open(nil, data[:12], sealed, []byte("extra"))
	fmt.Println(hex.EncodeToString(sealed[1000:]), err, bytes.Equal(opened, data[:1000]))
	_, err = gcm.Open(nil, data[:12], sealed, []byte("other"))
	fmt.Println(err)
	priv := ed25519.NewKeyFromSeed(key)
	sig := ed25519.Sign(priv, data)
	fmt.Println(hex.EncodeToString(sig[:16]), ed25519.Verify(priv.Public().(ed25519.PublicKey), data, sig))
	a, b := make([]byte, 1000), make([]byte, 1000)
	n, err := rand.Read(a)
	rand.Read(b)
	var ones int
	for _, c := range a {
		for ; c != 0; c &= c - 1 {
			ones++
		}
	}
	fmt.Println(n, err, bytes.Equal(a, b), ones > 3500 && ones < 4500, len(rand.Text()))
}
