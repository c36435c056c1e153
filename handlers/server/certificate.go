package server

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"time"
)

// ParseCertificate returns the first certificate in certificate, which its chain may
// follow, with its private key, which is in key. Both are in PEM. Errors say what to do,
// and quote neither.
func ParseCertificate(certificate, key []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, withAdvice(err, certificateAdvice(blocksOf(certificate), blocksOf(key)))
	}
	return &pair, nil
}

// blocksOf returns the PEM blocks in text.
func blocksOf(text []byte) (blocks []*pem.Block) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return blocks
		}
		blocks = append(blocks, block)
	}
}

// certificateAdvice returns what to do if the blocks in the file of a certificate and
// those in the file of its key do not go together.
func certificateAdvice(certificate, key []*pem.Block) string {
	switch {
	case slices.ContainsFunc(certificate, isKey) && !slices.ContainsFunc(certificate, isCertificate) &&
		slices.ContainsFunc(key, isCertificate) && !slices.ContainsFunc(key, isKey):
		return "swap the two files"
	case len(certificate) == 0:
		return "the certificate must be in PEM, which begins with -----BEGIN CERTIFICATE-----: openssl x509 -inform der converts it from DER"
	case !slices.ContainsFunc(certificate, isCertificate):
		return "name the file that has the certificate"
	case len(key) == 0:
		return "the key must be in PEM, which begins with -----BEGIN PRIVATE KEY-----: openssl pkey -inform der converts it from DER"
	case !slices.ContainsFunc(key, isKey):
		return "name the file that has the private key"
	case slices.ContainsFunc(key, isEncrypted):
		return "the key is encrypted, and the service has no password for it: openssl pkey decrypts it"
	default:
		return "use a certificate with the key that was made for it, and put it before the certificates of its chain"
	}
}

func isCertificate(block *pem.Block) bool { return block.Type == "CERTIFICATE" }

func isKey(block *pem.Block) bool { return strings.HasSuffix(block.Type, "PRIVATE KEY") }

// isEncrypted reports whether block is a key that is encrypted under RFC 5958, or under
// RFC 1421 §4.6.1.1.
func isEncrypted(block *pem.Block) bool {
	return block.Type == "ENCRYPTED PRIVATE KEY" || isKey(block) && strings.HasSuffix(block.Headers["Proc-Type"], "ENCRYPTED")
}

// SetCertificate replaces the certificate, for connections from now on. It is an
// error if the server speaks plain HTTP, or if certificate is nil.
func (s *Server) SetCertificate(certificate *tls.Certificate) error {
	if s.config.Certificate == nil || certificate == nil {
		return errors.New("server: there is no certificate to replace, or none to replace it with")
	}
	s.useCertificate(certificate)
	return nil
}

// useCertificate makes the server present certificate. It logs when that expires, and
// warns if clients will refuse it.
func (s *Server) useCertificate(certificate *tls.Certificate) {
	s.certificate.Store(certificate)
	leaf := certificate.Leaf
	if leaf == nil {
		return
	}
	s.config.Logger.Info("TLS certificate", "names", leaf.DNSNames, "expires", leaf.NotAfter)
	switch now := time.Now(); {
	case now.After(leaf.NotAfter):
		s.config.Logger.Warn("the TLS certificate has expired, so clients refuse it: renew it", "expired", leaf.NotAfter)
	case now.Before(leaf.NotBefore):
		s.config.Logger.Warn("the TLS certificate is not valid yet, so clients refuse it: check the clock of this machine, or use a certificate that is valid now", "valid_from", leaf.NotBefore)
	}
}
