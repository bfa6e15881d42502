package probe

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"ipvsadm/check"
)

// newTLS is how SSL_GET speaks TLS. As with keepalived nobody's certificate is
// verified, whatever ca says: the server is asked whether it is well, not who it
// is, and nothing secret is told to it.
func newTLS(files check.TLSConfig) (*tls.Config, error) {
	c := &tls.Config{
		InsecureSkipVerify:     true,
		SessionTicketsDisabled: true,
		MinVersion:             tls.VersionTLS12,
		CipherSuites:           suites(),
	}
	if files.CA != "" {
		text, err := os.ReadFile(files.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca %s: there is no certificate in it", files.CA)
		}
	}
	if files.Certificate == "" && files.Key == "" {
		return c, nil
	}
	pair, err := keyPair(files)
	if err != nil {
		return nil, err
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// suites are those of TLS 1.2 that OpenSSL offers as well: also without forward
// secrecy, for an old server that works is well. TLS 1.3 has its own.
func suites() []uint16 {
	var ids []uint16
	for _, s := range tls.CipherSuites() {
		ids = append(ids, s.ID)
	}
	return append(ids, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256)
}

// keyPair reads the client's certificate and its key, either of which may be in
// the other's file.
func keyPair(files check.TLSConfig) (tls.Certificate, error) {
	if files.Certificate == "" {
		files.Certificate = files.Key
	}
	if files.Key == "" {
		files.Key = files.Certificate
	}
	certificate, err := os.ReadFile(files.Certificate)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate: %w", err)
	}
	key, err := os.ReadFile(files.Key)
	if err == nil {
		key, err = decrypt(key, files.Password)
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate %s and key %s: %w", files.Certificate, files.Key, err)
	}
	return pair, nil
}
