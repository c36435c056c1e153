package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"
)

// newPair returns a new certificate with these dates and its key, both in DER.
func newPair(t *testing.T, notBefore, notAfter time.Time) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: notBefore, NotAfter: notAfter}
	certificate, err = x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err = x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// toPEM returns a block of this type.
func toPEM(blockType string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: content})
}

func TestParseCertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	certificateDER, keyDER := newPair(t, now, now.Add(time.Hour))
	otherDER, otherKeyDER := newPair(t, now, now.Add(time.Hour))
	certificate, other := toPEM("CERTIFICATE", certificateDER), toPEM("CERTIFICATE", otherDER)
	key, otherKey := toPEM("PRIVATE KEY", keyDER), toPEM("PRIVATE KEY", otherKeyDER)
	encrypted := toPEM("ENCRYPTED PRIVATE KEY", otherKeyDER)
	encryptedBefore := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: otherKeyDER})
	request := toPEM("CERTIFICATE REQUEST", certificateDER)
	public := toPEM("PUBLIC KEY", keyDER)

	for name, good := range map[string][2][]byte{
		"two files":  {certificate, key},
		"chain":      {bytes.Join([][]byte{certificate, other}, nil), key},
		"one file":   {append(bytes.Clone(key), certificate...), append(bytes.Clone(key), certificate...)},
		"other text": {append([]byte("Bag Attributes\n"), certificate...), append([]byte("Bag Attributes\n"), key...)},
	} {
		if pair, err := ParseCertificate(good[0], good[1]); err != nil || !bytes.Equal(pair.Certificate[0], certificateDER) {
			t.Errorf("%s: %v", name, err)
		}
	}
	const mismatch = "use a certificate with the key that was made for it, and put it before the certificates of its chain"
	const isEncrypted = "the key is encrypted, and the service has no password for it: openssl pkey decrypts it"
	const certificateInPEM = "the certificate must be in PEM, which begins with -----BEGIN CERTIFICATE-----: openssl x509 -inform der converts it from DER"
	const keyInPEM = "the key must be in PEM, which begins with -----BEGIN PRIVATE KEY-----: openssl pkey -inform der converts it from DER"
	for name, test := range map[string]struct {
		certificate, key []byte
		says             string
	}{
		"swapped":                    {key, certificate, "swap the two files"},
		"swapped, encrypted":         {encrypted, certificate, "swap the two files"},
		"key twice":                  {key, key, "name the file that has the certificate"},
		"request":                    {request, key, "name the file that has the certificate"},
		"certificate twice":          {certificate, certificate, "name the file that has the private key"},
		"public key":                 {certificate, public, "name the file that has the private key"},
		"certificate in DER":         {certificateDER, key, certificateInPEM},
		"empty certificate":          {nil, key, certificateInPEM},
		"key in DER":                 {certificate, keyDER, keyInPEM},
		"empty key":                  {certificate, nil, keyInPEM},
		"encrypted key":              {certificate, encrypted, isEncrypted},
		"encrypted key of RFC 1421":  {certificate, encryptedBefore, isEncrypted},
		"key of another":             {certificate, otherKey, mismatch},
		"chain in the wrong order":   {bytes.Join([][]byte{other, certificate}, nil), key, mismatch},
		"certificate that is broken": {toPEM("CERTIFICATE", certificateDER[:100]), key, mismatch},
	} {
		_, err := ParseCertificate(test.certificate, test.key)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+test.says) {
			t.Errorf("%s: %v, want at the end %q", name, err, test.says)
			continue
		}
		for _, line := range strings.Split(string(test.key), "\n") {
			if len(line) >= 16 && !strings.HasPrefix(line, "-----") && strings.Contains(err.Error(), line) {
				t.Errorf("%s: the error quotes the key", name)
			}
		}
	}
}

// TestCertificateDates checks that a server with a certificate that clients refuse
// starts, and warns about it.
func TestCertificateDates(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for warning, dates := range map[string][2]time.Time{
		"":                 {now.Add(-time.Hour), now.Add(time.Hour)},
		"has expired":      {now.Add(-2 * time.Hour), now.Add(-time.Hour)},
		"is not valid yet": {now.Add(time.Hour), now.Add(2 * time.Hour)},
	} {
		certificate, key := newPair(t, dates[0], dates[1])
		pair, err := ParseCertificate(toPEM("CERTIFICATE", certificate), toPEM("PRIVATE KEY", key))
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		config := newTestConfig(mustListen(t, "127.0.0.1:0"))
		config.Certificate, config.Logger = pair, slog.New(slog.NewTextHandler(&log, nil))
		server := mustNew(t, config)
		if err := server.SetCertificate(pair); err != nil {
			t.Fatal(err)
		}
		want := 2 // at start and at the reload
		if warning == "" {
			want = 0
		}
		if got := strings.Count(log.String(), "level=WARN"); got != want || !strings.Contains(log.String(), warning) {
			t.Errorf("%q: %d warnings, want %d: %s", warning, got, want, log.String())
		}
	}
}
